// Nothing typed is lost. What is typed into a form is kept on the server, sealed, while it is typed; it is put back when
// the form is opened again, and forgotten when the form was sent and taken. Before a form is sent, the page makes sure
// that the server is there and that one is still logged in; else the form stays, and a log-in in another tab lets it go on.

const net = document.getElementById("net");
const find = (id) => document.getElementById(id);
const KEEP_AFTER_MS = 500;
const AGAIN_MS = 4000;
const WARN_S = 120;
const LOOK_EVERY_S = 10;
const GOING_MS = 3000;
const OWN_MS = 1000;
const NOT_TYPED = new Set(["hidden", "password", "file", "submit", "button", "reset", "image"]);
const channel = "BroadcastChannel" in window ? new BroadcastChannel("interval-coach") : null;
const posted = net.dataset.posted === "yes";

let token = document.querySelector("input[name=csrfmiddlewaretoken]")?.value ?? "";
let ends_s = performance.now() / 1000 + Number(net.dataset.left);
let may_stay = true;
let asked_s = 0;
let out = false;
const forms = new Map(); // form → { key, name, first, kept, waiting, going, pending }

// --- the server ---

class SignedOut extends Error {}

function heard(told) {
  token = told.token;
  for (const field of document.querySelectorAll("input[name=csrfmiddlewaretoken]")) field.value = token;
  ends_s = performance.now() / 1000 + told.left_s;
  may_stay = told.may_stay;
  show(find("net-away"), false);
  if (String(told.who) !== net.dataset.who) throw new SignedOut("other");
  signed_in();
  return told;
}

async function ask(body, more = {}) {
  const options = body === null ? {} : { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json", "X-CSRFToken": token } };
  const limit = more.keepalive ? {} : { signal: AbortSignal.timeout(15_000) };
  const answer = await fetch(body === null ? net.dataset.state : net.dataset.keep, { cache: "no-store", credentials: "same-origin", ...limit, ...options, ...more });
  if (answer.status === 401) throw new SignedOut("out");
  // The form's token is another one after a log-in in another tab.
  if (answer.status === 403 && body !== null && !more.again) {
    await ask(null);
    return ask(body, { ...more, again: true });
  }
  if (!answer.ok) throw new Error(String(answer.status));
  return heard(await answer.json());
}

function failed(error) {
  if (error instanceof SignedOut) signed_out(error.message === "other");
  else show(find("net-away"), [...forms.values()].some((one) => one.waiting || one.pending));
}

// --- what is typed ---

const is_typed = (one) => Boolean(one.name) && !NOT_TYPED.has(one.type) && !one.disabled && one.dataset.secret === undefined && one.autocomplete !== "one-time-code";
// From which version a form was filled in: the server sees by it that another account was quicker.
const is_carried = (one) => one.type === "hidden" && one.name === "base";

function content(form) {
  const ones = [...form.elements].filter((one) => is_typed(one) || is_carried(one));
  const values = [];
  for (const one of ones) {
    if (one.type === "checkbox" || one.type === "radio") one.checked && values.push([one.name, one.value]);
    else if (one.type === "select-multiple") values.push(...[...one.selectedOptions].map((option) => [one.name, option.value]));
    else values.push([one.name, one.value]);
  }
  return { names: [...new Set(ones.map((one) => one.name))], values };
}

// What is typed, or, `first`, what the server had put there: a browser fills in some fields by itself on the way Back.
function value_of(one, first) {
  if (one.type === "checkbox" || one.type === "radio") return first ? one.defaultChecked : one.checked;
  if (!one.options) return first ? one.defaultValue : one.value;
  const chosen = [...one.options].filter((option) => (first ? option.defaultSelected : option.selected)).map((option) => option.value);
  return one.multiple || chosen.length || !first ? chosen : [one.options[0]?.value];
}

const typed_only = (form, first = false) => JSON.stringify([...form.elements].filter(is_typed).map((one) => [one.name, value_of(one, first)]));

function fill(form, draft) {
  const left = draft.values.map(([name, value]) => ({ name, value }));
  const take = (name, fits) => {
    const at = left.findIndex((one) => one.name === name && fits(one.value));
    return at < 0 ? null : left.splice(at, 1)[0].value;
  };
  for (const one of [...form.elements].filter((each) => (is_typed(each) || is_carried(each)) && draft.names.includes(each.name))) {
    if (one.type === "checkbox" || one.type === "radio") one.checked = take(one.name, (value) => value === one.value) !== null;
    else if (one.type === "select-multiple") for (const option of one.options) option.selected = take(one.name, (value) => value === option.value) !== null;
    else {
      const value = take(one.name, () => true);
      if (value !== null && (one.type !== "select-one" || [...one.options].some((option) => option.value === value))) one.value = value;
    }
  }
  form.dispatchEvent(new CustomEvent("filled", { bubbles: true }));
}

function name_of(form) {
  if (form.dataset.draft?.startsWith("/")) return form.dataset.draft;
  const address = new URL(form.getAttribute("action") || location.pathname, location.href).pathname;
  const same = [...document.forms].filter((one) => one.method === "post" && new URL(one.getAttribute("action") || location.pathname, location.href).pathname === address);
  const part = form.dataset.draft ?? (same.length > 1 ? String(same.indexOf(form)) : "");
  return part ? `${address}#${part}` : address;
}

function new_key() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((one) => one.toString(16).padStart(2, "0")).join("");
}

// A draft that is open in another tab is that tab's. Of two tabs that open at once, only one gets the lock.
const locked = new Map(); // key → release
function lock(key, wait_ms = 0) {
  if (!navigator.locks || locked.has(key)) return Promise.resolve(true);
  const how = wait_ms ? { signal: AbortSignal.timeout(wait_ms) } : { ifAvailable: true };
  return new Promise((resolve) => {
    const got = (given) => {
      resolve(Boolean(given));
      return given ? new Promise((release) => locked.set(key, release)) : null;
    };
    navigator.locks.request(`draft ${key}`, how, got).catch(() => resolve(false));
  });
}

function unlock(key) {
  locked.get(key)?.();
  locked.delete(key);
}

function hold(one, key) {
  one.key = key;
  remember(one);
  lock(key);
  let field = one.form.querySelector("input[name=_draft]");
  if (!field && one.form.getAttribute("method")) {
    field = Object.assign(document.createElement("input"), { type: "hidden", name: "_draft" });
    one.form.append(field);
  }
  if (field) field.value = key;
}

function remember(one) {
  try {
    sessionStorage.setItem(`draft ${one.name}`, one.key);
  } catch {
    // A browser that keeps nothing: the newest draft that is open nowhere is taken instead.
  }
}

const remembered = (name) => {
  try {
    return sessionStorage.getItem(`draft ${name}`);
  } catch {
    return null;
  }
};

function changed(form) {
  const one = forms.get(form);
  if (!one) return;
  if (!one.key) hold(one, new_key());
  one.waiting = true;
  clearTimeout(one.timer);
  one.timer = setTimeout(() => keep(one).catch(failed), KEEP_AFTER_MS);
}

// One after the other: an earlier state must not arrive after a later one. A page that is being left cannot wait.
function keep(one, more = {}) {
  clearTimeout(one.timer);
  one.keeping = more.keepalive ? keep_now(one, more) : (one.keeping ?? Promise.resolve()).catch(() => {}).then(() => keep_now(one, more));
  return one.keeping;
}

async function keep_now(one, more) {
  clearTimeout(one.timer);
  const now = one.frozen ?? content(one.form);
  one.waiting = false;
  one.pending = true;
  const same = !one.frozen && typed_only(one.form) === one.first;
  if (!same && !one.key) hold(one, new_key());
  try {
    if (same && !one.stored) await ask({}, more);
    else if (same) await ask({ forget: [one.key] }, more);
    else await ask({ key: one.key, form: one.name, fields: now }, more);
    one.stored = !same;
    one.pending = false;
  } catch (error) {
    one.waiting = true;
    one.timer = setTimeout(() => keep(one).catch(failed), AGAIN_MS);
    throw error;
  }
}

function put_back(one, draft) {
  hold(one, draft.key);
  one.stored = true;
  fill(one.form, draft);
  if (typed_only(one.form) === one.first) return;
  const box = find("net-found").content.firstElementChild.cloneNode(true);
  const at = new Date(draft.at_s * 1000);
  const time = new Intl.DateTimeFormat(document.documentElement.lang, { ...(Date.now() - at < 43_200_000 ? {} : { day: "numeric", month: "short" }), hour: "2-digit", minute: "2-digit" }).format(at);
  const words = find("net-words").content.querySelector("[data-one]").textContent;
  box.querySelector("[data-words]").textContent = words.replace("{time}", time);
  box.querySelector("button").addEventListener("click", () => {
    box.remove();
    one.form.reset();
    one.stored = false;
    ask({ forget: [one.key] }).catch(failed);
    one.form.dispatchEvent(new CustomEvent("filled", { bubbles: true }));
  });
  one.form.prepend(box);
}

// --- sending ---

async function submit(event) {
  const form = event.target;
  const one = forms.get(form);
  if (!one || form.method !== "post" || event.defaultPrevented) return;
  if (one.passing) {
    one.passing = false;
    return;
  }
  event.preventDefault();
  if (one.going) return;
  one.going = true;
  one.submitter = event.submitter;
  await send(one);
}

async function send(one) {
  try {
    if (one.key && (one.waiting || one.pending || !one.stored)) await keep(one);
    else await ask({});
  } catch (error) {
    one.going = false;
    one.wants = error instanceof SignedOut;
    if (!one.wants) {
      one.waiting = true;
      clearTimeout(one.timer);
      one.timer = setTimeout(() => keep(one).catch(failed), AGAIN_MS);
    }
    failed(error);
    return;
  }
  one.passing = true;
  one.sent = true;
  one.form.requestSubmit(one.submitter?.isConnected ? one.submitter : undefined);
  one.passing = false;
  // An answer that is a file leaves the page where it is.
  setTimeout(() => { one.going = false; one.sent = false; }, GOING_MS);
}

// --- being logged out ---

function signed_out(other = false) {
  const box = find("net-out");
  const typed = [...forms.values()].some((one) => one.waiting || one.pending || one.stored || one.wants);
  out = true;
  show(find("net-soon"), false);
  show(find("net-out-other"), other);
  show(find("net-out-kept"), typed && !other);
  const link = find("net-log-in");
  link.target = typed ? "_blank" : "";
  link.href = `${net.dataset.logIn}?next=${encodeURIComponent(typed ? net.dataset.back : location.pathname + location.search)}`;
  if (document.body.classList.contains("room-page") && !typed) return;
  if (!box.open) box.showModal();
}

function signed_in() {
  const was = out;
  out = false;
  if (find("net-out").open) find("net-out").close();
  if (!was) return;
  document.dispatchEvent(new CustomEvent("signed-in-again"));
  for (const one of forms.values()) {
    if (one.wants) {
      one.wants = false;
      one.going = true;
      send(one);
    } else if (one.waiting) keep(one).catch(failed);
  }
}

find("net-out").addEventListener("cancel", (event) => event.preventDefault());

function tick() {
  const left_s = ends_s - performance.now() / 1000;
  if (out || left_s > WARN_S + 5) return show(find("net-soon"), false);
  const now_s = performance.now() / 1000;
  if (now_s - asked_s > LOOK_EVERY_S) {
    asked_s = now_s;
    ask(null).catch(failed);
  }
  show(find("net-soon"), left_s <= WARN_S);
  const whole = Math.max(0, Math.floor(left_s));
  find("net-left").textContent = `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
  show(find("net-stay"), may_stay);
  show(find("net-end"), !may_stay);
}

function show(node, shown) {
  node.hidden = !shown;
}

// --- beginning ---

function watch(form) {
  if (forms.has(form) || form.dataset.draft === "off") return;
  forms.set(form, { form, name: name_of(form), key: null, first: typed_only(form, true), stored: false });
}

// A form that goes over to another address, such as the room's note on the participant at the machine: `turn` empties it.
export function rename(form, turn) {
  const before = forms.get(form);
  if (before?.waiting) {
    before.frozen = content(form);
    keep(before).catch(failed);
  }
  forms.delete(form);
  form.querySelector(".draft-found")?.remove();
  turn();
  watch(form);
  if (forms.has(form)) look_for([forms.get(form)]).catch(failed);
}

export async function forget(form) {
  const one = forms.get(form);
  if (!one?.key) return;
  clearTimeout(one.timer);
  const key = one.key;
  forms.set(form, { form, name: one.name, key: null, first: typed_only(form), stored: false });
  await ask({ forget: [key] }).catch(failed);
}

export const fresh_token = async () => (await ask({})).token;
export const is_signed_out = (error) => error instanceof SignedOut;
export function log_in_over(form) {
  if (forms.has(form)) forms.get(form).waiting = true;
  signed_out();
}

async function look_for(ones) {
  if (!ones.length) return;
  const { drafts } = await ask({ forms: ones.map((one) => one.name) });
  for (const one of ones) {
    const draft = await free_draft(one, drafts.filter((each) => each.form === one.name));
    if (!draft) continue;
    // Nothing is put back over what was typed while the answer was on its way.
    if (!one.waiting && !one.pending && !one.stored && forms.get(one.form) === one) put_back(one, draft);
    else if (one.key !== draft.key) unlock(draft.key);
  }
}

// This tab's own draft first; the page that was here before may hold it for a moment longer.
async function free_draft(one, drafts) {
  const mine = remembered(one.name);
  for (const draft of [...drafts.filter((each) => each.key === mine), ...drafts.filter((each) => each.key !== mine)]) {
    if (await lock(draft.key, draft.key === mine ? OWN_MS : 0)) return draft;
  }
  return null;
}

function begin() {
  const tracked = [...document.forms].filter((form) => (form.method === "post" || form.dataset.draft) && form.dataset.draft !== "off" && [...form.elements].some(is_typed));
  for (const form of tracked) watch(form);
  if (posted) {
    // Back leads to a page that can be asked for again, and to what was typed.
    history.replaceState(history.state, "", document.referrer.startsWith(location.origin) ? document.referrer : location.href);
    for (const one of forms.values()) {
      const mine = remembered(one.name);
      if (!mine) continue;
      hold(one, mine);
      one.first = "";
      keep(one).catch(failed);
    }
    return;
  }
  look_for([...forms.values()]).catch(failed);
}

for (const what of ["input", "change"]) document.addEventListener(what, (event) => event.target.form && is_typed(event.target) && changed(event.target.form));
document.addEventListener("submit", submit);
find("net-stay").addEventListener("click", () => ask({}).then(tick).catch(failed));
// A page that goes takes the requests along that are still on their way.
const on_its_way = (one) => (one.waiting || one.pending) && !one.sent;
addEventListener("pagehide", () => {
  for (const one of forms.values()) if (on_its_way(one)) keep(one, { keepalive: true }).catch(() => {});
});
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") for (const one of forms.values()) on_its_way(one) && keep(one, { keepalive: true }).catch(failed);
  else if (out || ends_s - performance.now() / 1000 < WARN_S) ask(null).catch(failed);
});
addEventListener("focus", () => out && ask(null).catch(failed));
addEventListener("online", () => { for (const one of forms.values()) if (one.waiting) keep(one).catch(failed); });
addEventListener("pageshow", (event) => { if (event.persisted) for (const one of forms.values()) { one.going = false; one.sent = false; } });
addEventListener("beforeunload", (event) => {
  if ([...forms.values()].some(on_its_way)) event.preventDefault();
});
channel?.addEventListener("message", () => out && ask(null).catch(failed));
if (posted) document.querySelector("main [aria-invalid=true]")?.focus();
begin();
channel?.postMessage("here");
setInterval(tick, 1000);
