// One machine's tile. It is made once and changed where something changed: a text that is the same is not touched.
import * as need from "./need.js";
import * as words from "./words.js";

const ANSWER_S = 8;
const GIVEN_SHOWN_S = 25;
const template = document.getElementById("tile");
const chip_template = document.getElementById("chip");

export function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function show(node, shown) {
  if (node.hidden === shown) node.hidden = !shown;
}

export function icon(use, name) {
  const href = `#i-${name}`;
  if (use.getAttribute("href") !== href) use.setAttribute("href", href);
}

function pictured(image, picture) {
  const address = (picture && words.room.pictures[picture]) || "";
  show(image, Boolean(address));
  if (address && image.getAttribute("src") !== address) image.src = address;
}

export class TileView {
  constructor(machine, { open, seen, attend }) {
    this.node = template.content.firstElementChild.cloneNode(true);
    this.node.dataset.machine = machine;
    const find = (selector) => this.node.querySelector(selector);
    this.parts = {
      picture: find(".picture"), who: find(".who"), where: find(".where"), age: find(".age"), bpm: find(".bpm"), share: find(".share"), share_small: find(".share-small"), phase: find(".phase-word"),
      left: find(".left"), trace: find(".trace"), use: find("use"), status: find(".status-word"), advice: find(".advice"),
      given: find(".given"), seeing: find(".seeing"), seeing_word: find(".seeing-word"), seen: find(".seen"), attend: find(".attend"), open: find(".tile-open"),
    };
    put(this.parts.seen, words.word("room", "seen"));
    put(this.parts.attend, words.word("room", "attend"));
    this.parts.open.addEventListener("click", () => open(machine, this.parts.open));
    this.parts.seen.addEventListener("click", () => seen(machine, this.notice));
    this.parts.attend.addEventListener("click", () => attend(machine));
    this.notice = null;
  }

  update(tile, now_s, { dead, size, judged_s }) {
    const now = tile.now;
    const parts = this.parts;
    const condition = need.condition(tile, judged_s);
    const linked = need.linked(tile, judged_s) && !dead;
    const look = linked ? condition.look : condition.look === "stop" ? "stop" : "away";
    if (this.node.dataset.look !== look) this.node.dataset.look = look;
    this.node.classList.toggle("old", !linked);
    const name = words.who(tile);
    const machine = words.machine(tile.machine);
    put(parts.who, name);
    pictured(parts.picture, words.room.names ? tile.picture : "");
    put(parts.where, name === machine ? "" : machine);
    put(parts.age, tile.heard_s ? words.ago(need.age_s(tile, now_s), size !== "l") : "");
    const training = now?.stage === "running" || now?.stage === "paused";
    put(parts.bpm, typeof now?.rate_bpm === "number" ? String(Math.round(now.rate_bpm)) : training ? "–" : "");
    const percent = typeof now?.fraction === "number" ? Math.round(100 * now.fraction) : null;
    const share = percent === null ? "" : words.word("room", "percent", { number: percent });
    put(parts.share, share);
    put(parts.share_small, share);
    put(parts.phase, need.phase(now, size !== "l"));
    put(parts.left, training && typeof now.remaining_s === "number" ? words.minutes(now.remaining_s) : "");
    icon(parts.use, condition.icon);
    put(parts.status, (size === "l" ? null : size === "m" || size === "wall" ? condition.medium : condition.short) ?? condition.status);
    put(parts.advice, condition.advice);
    put(parts.open, words.word("room", "details", { name, machine }));
    this.#notices(tile, linked);
    this.#given(tile, now_s);
    return condition;
  }

  draw(trace, now_s, dead) {
    trace.draw(this.parts.trace, now_s, { old: dead || this.node.dataset.look === "away" || this.node.dataset.look === "lost" });
  }

  #notices(tile, linked) {
    const parts = this.parts;
    const unseen = need.unseen(tile).sort((one, other) => need.worst_first[one.level] - need.worst_first[other.level]);
    const seen = (tile.notices ?? []).filter((one) => one.at_s);
    const calls = need.calls(tile);
    const shown = unseen[0] ?? calls ?? seen.at(-1) ?? null;
    show(parts.seeing, shown !== null);
    this.notice = unseen[0] ?? null;
    this.node.classList.toggle("calls", unseen.length > 0);
    if (!shown) return;
    const more = unseen.length > 1 ? ` (+${unseen.length - 1})` : "";
    put(parts.seeing_word, shown.at_s ? `${need.notice_words(shown, tile)} – ${words.word("room", "seen_by", { name: shown.by ?? "", time: words.at(shown.at_s) })}` : need.notice_words(shown, tile) + more);
    parts.seeing.dataset.level = shown.at_s ? "seen" : shown.level;
    show(parts.seen, unseen.length > 0 && words.room.may_command);
    // First "seen", while somebody goes there; then, in its place, that they have arrived.
    show(parts.attend, Boolean(calls) && !unseen.length && linked && words.room.may_command);
    if (calls) parts.attend.setAttribute("aria-label", `${words.word("room", "attend")}: ${words.who(tile)}, ${words.machine(tile.machine)}`);
    if (unseen.length) parts.seen.setAttribute("aria-label", `${words.word("room", "seen")}: ${words.who(tile)}, ${need.notice_words(shown, tile)}`);
  }

  #given(tile, now_s) {
    const last = (tile.commands ?? []).at(-1);
    const shown = last && now_s - last.made_s < GIVEN_SHOWN_S;
    show(this.parts.given, Boolean(shown));
    if (!shown) return;
    put(this.parts.given, given_words(last, now_s));
    this.parts.given.dataset.outcome = outcome(last, now_s);
  }
}

export function outcome(given, now_s) {
  if (given.outcome) return given.outcome;
  return now_s - given.made_s > ANSWER_S ? "silent" : "sent";
}

export function given_words(given, now_s) {
  const what = words.word("command", given.name);
  const became = outcome(given, now_s);
  const how = words.word("outcome", became, { seconds: ANSWER_S });
  const why = became === "refused" && given.code ? `: ${words.word("refused", given.code, { reason: given.reason ?? given.code })}` : "";
  return `${what} – ${how}${why}`;
}

// A machine that nobody uses needs no tile.
export class Chip {
  constructor(machine, { open }) {
    this.node = chip_template.content.firstElementChild.cloneNode(true);
    this.node.dataset.machine = machine;
    this.button = this.node.querySelector("button");
    this.where = this.node.querySelector(".where");
    this.word = this.node.querySelector(".chip-word");
    this.button.addEventListener("click", () => open(machine, this.button));
  }

  update(tile, now_s, { dead }) {
    put(this.where, words.machine(tile.machine));
    const linked = need.linked(tile, now_s);
    const used = tile.used_s ? `, ${words.word("room", "last_used", { time: words.at(tile.used_s) })}` : "";
    put(this.word, linked ? words.word("face", tile.now?.face ?? "choose_participant") + used : need.condition({ ...tile, notices: [] }, now_s).status);
    this.node.dataset.look = dead ? "away" : !linked ? "away" : tile.now?.face === "self_test_failed" ? "above" : "free";
  }
}
