// One machine close up: a larger trace, what is known of it, and what can be asked of it.
import * as drafts from "../drafts/drafts.js";
import * as need from "./need.js";
import * as send from "./send.js";
import { given_words, icon, outcome, put, show } from "./tile.js";
import * as words from "./words.js";

const CONFIRM_S = 4;
const find = (id) => document.getElementById(id);

export class Panel {
  #opener = null; #tile = null; #confirming = 0; #seen; #closed; #note_waits = false;

  constructor({ seen, closed }) {
    this.machine = null;
    this.node = find("panel");
    this.#seen = seen;
    this.#closed = closed;
    find("panel-status").innerHTML = '<svg aria-hidden="true"><use></use></svg><span></span>';
    find("panel-close").addEventListener("click", () => this.close());
    this.node.addEventListener("keydown", (event) => event.key === "Escape" && this.close());
    find("panel-commands")?.addEventListener("click", (event) => {
      const button = event.target.closest("[data-command]");
      if (button) this.#pressed(button);
    });
    find("panel-note-form")?.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#note();
    });
    // Typing after a tile was opened writes a note.
    find("panel-name").addEventListener("keydown", (event) => {
      const form = find("panel-note-form");
      if (event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey && form && !form.hidden) find("panel-note").focus();
    });
    document.addEventListener("signed-in-again", () => this.#note_waits && this.#note());
    find("panel-say")?.addEventListener("submit", (event) => {
      event.preventDefault();
      const text = find("panel-text").value.trim();
      if (text) this.#send({ name: "text", text, for_s: 20 });
      find("panel-text").value = "";
    });
  }

  // The way to the person is there while a known participant stands at the machine; what is typed is theirs alone.
  #person(tile) {
    const box = find("panel-person");
    if (!box) return;
    const who = tile.nickname ? (tile.now?.participant ?? "") : "";
    if (box.dataset.who === who) return;
    box.dataset.who = who;
    show(box, Boolean(who));
    for (const link of box.querySelectorAll("[data-way]")) link.href = `${words.room.people}${who}/${link.dataset.way}`;
    const form = find("panel-note-form");
    if (!form) return;
    show(form, Boolean(who));
    // The same draft as on the person's own page: it goes on there, or here.
    drafts.rename(form, () => {
      find("panel-note").value = "";
      form.dataset.draft = who ? `${words.room.people}${who}/note/` : "off";
    });
    put(find("panel-note-said"), "");
  }

  async #note() {
    const form = find("panel-note-form");
    const text = find("panel-note");
    const said = find("panel-note-said");
    const address = form.dataset.draft;
    const written = text.value;
    let kept = false;
    this.#note_waits = false;
    try {
      const told = new FormData();
      told.set("csrfmiddlewaretoken", await drafts.fresh_token());
      told.set("text", written);
      const answer = await fetch(address, { method: "POST", body: told, credentials: "same-origin", headers: { "X-Requested-With": "fetch" } });
      kept = answer.ok && !answer.url.includes("/log-in/");
    } catch (error) {
      this.#note_waits = drafts.is_signed_out(error);
      if (this.#note_waits) drafts.log_in_over(form);
    }
    if (kept && form.dataset.draft === address && text.value === written) {
      text.value = "";
      drafts.forget(form);
    }
    put(said, kept ? said.dataset.kept : said.dataset.failed);
  }

  open(machine, opener) {
    this.machine = machine;
    this.#opener = opener;
    this.#calm();
    show(this.node, true);
    document.body.classList.add("with-panel");
    find("panel-name").focus({ preventScroll: true });
  }

  close() {
    if (!this.machine) return;
    this.machine = null;
    this.#calm();
    show(this.node, false);
    document.body.classList.remove("with-panel");
    if (this.#opener?.isConnected) this.#opener.focus({ preventScroll: true });
    this.#closed();
  }

  update(tile, trace, now_s, dead) {
    this.#tile = tile;
    const now = tile.now;
    const linked = need.linked(tile, now_s) && !dead;
    const condition = need.condition(tile, now_s);
    const name = words.who(tile);
    const machine = words.machine(tile.machine);
    put(find("panel-name"), name === machine ? machine : `${name} · ${machine}`);
    const look = linked ? condition.look : "away";
    this.node.dataset.look = look;
    this.node.classList.toggle("old", !linked);
    put(find("panel-rate"), typeof now?.rate_bpm === "number" ? String(Math.round(now.rate_bpm)) : "–");
    put(find("panel-share"), typeof now?.fraction === "number" ? words.word("room", "of_max", { number: Math.round(100 * now.fraction) }) : "");
    put(find("panel-phase"), need.phase(now));
    put(find("panel-left"), now?.stage && typeof now.remaining_s === "number" && need.phase(now) ? words.minutes(now.remaining_s) : "");
    icon(this.node.querySelector("#panel-status use"), condition.icon);
    put(this.node.querySelector("#panel-status span"), [condition.status, condition.advice].filter(Boolean).join(" – "));
    trace.draw(find("panel-trace"), now_s, { old: !linked, large: true });
    this.#notices(tile);
    this.#given(tile, now_s);
    this.#facts(tile, now_s);
    this.#may(tile, linked);
    this.#person(tile);
  }

  #may(tile, linked) {
    const now = tile.now;
    const running = now?.stage === "running";
    const can = {
      pause: running,
      resume: now?.stage === "paused" && now.face !== "go_on",
      ease: running && (now.phase === "interval" || now.phase === "steady"),
      extend: running && now.phase === "recovery",
      end: running || now?.stage === "paused",
      lower: running || now?.stage === "paused",
      attend: Boolean(need.calls(tile)) || (Boolean(now?.question) && (running || now?.stage === "paused")),
    };
    for (const button of this.node.querySelectorAll("[data-command]")) button.disabled = !linked || !can[button.dataset.command];
    const say = this.node.querySelector("#panel-say button");
    if (say) say.disabled = !linked || !now?.participant;
  }

  #pressed(button) {
    const name = button.dataset.command;
    if (name === "end" && !this.#confirming) {
      button.dataset.before = button.textContent;
      button.textContent = words.word("room", "confirm_end");
      button.classList.add("sure");
      this.#confirming = setTimeout(() => this.#calm(), CONFIRM_S * 1000);
      return;
    }
    this.#calm();
    const action = { pause: { name }, resume: { name }, ease: { name }, end: { name }, attend: { name }, extend: { name: "adjust", extend_recovery_s: 30 }, lower: { name: "adjust", lowered_fraction: Number(button.dataset.lowered) } }[name];
    this.#send(action);
    const calls = name === "attend" ? need.calls(this.#tile) : null;
    if (calls && !calls.at_s) this.#seen(this.machine, calls);
  }

  async #send(action) {
    try {
      await send.command([send.to(this.#tile)], action);
    } catch (error) {
      this.#say(error.message);
    }
  }

  #say(text) {
    const line = document.createElement("li");
    line.className = "said-no";
    line.textContent = text;
    find("panel-given").prepend(line);
    setTimeout(() => line.remove(), 8000);
  }

  #calm() {
    clearTimeout(this.#confirming);
    this.#confirming = 0;
    const end = this.node.querySelector('[data-command="end"]');
    if (end?.dataset.before) {
      end.textContent = end.dataset.before;
      delete end.dataset.before;
      end.classList.remove("sure");
    }
  }

  #notices(tile) {
    same_list(find("panel-notices"), tile.notices ?? [], (one) => `${one.code} ${one.since_s} ${one.at_s ?? ""} ${one.lasted_s ?? ""}`, (one) => {
      const line = document.createElement("li");
      line.className = "seeing";
      line.dataset.level = one.at_s ? "seen" : one.level;
      const text = document.createElement("p");
      const seen = one.at_s ? ` – ${words.word("room", "seen_by", { name: one.by ?? "", time: words.at(one.at_s) })}` : "";
      text.textContent = `${words.word("level", one.level)}: ${need.notice_words(one, tile)}${seen}`;
      line.append(text);
      if (one.to_acknowledge && !one.at_s && words.room.may_command) {
        const button = document.createElement("button");
        button.type = "button";
        button.className = "button button-small seen";
        button.textContent = words.word("room", "seen");
        button.addEventListener("click", () => this.#seen(tile.machine, one));
        line.append(button);
      }
      return line;
    });
  }

  #given(tile, now_s) {
    const list = find("panel-given");
    same_list(list, [...(tile.commands ?? [])].reverse(), (one) => `${one.id} ${outcome(one, now_s)}`, (one) => {
      const line = document.createElement("li");
      line.className = "given";
      line.dataset.outcome = outcome(one, now_s);
      line.textContent = `${words.at_second(one.made_s)} ${given_words(one, now_s)}${one.by ? ` (${one.by})` : ""}`;
      return line;
    });
  }

  #facts(tile, now_s) {
    const now = tile.now ?? {};
    const facts = find("panel-facts").dataset;
    const rows = [];
    const add = (name, text) => text && rows.push([facts[name], text]);
    const speed = typeof now.speed_kmh === "number" ? words.word("room", "speed", { number: words.number(now.speed_kmh, 1) }) : "";
    const incline = typeof now.incline_percent === "number" ? words.word("room", "percent", { number: words.number(now.incline_percent, 1) }) : "";
    add("treadmill", [speed, incline].filter(Boolean).join(" · "));
    if (now.low_bpm) add("zone", `${Math.round(now.low_bpm)}–${now.high_bpm ? Math.round(now.high_bpm) : ""}`);
    if (now.prediction?.end_bpm) add("expected", String(Math.round(now.prediction.end_bpm)));
    if (now.signal) add("signal", words.word("signal", now.signal === "lost" && now.signal_age_s === undefined ? "lost_now" : now.signal, { seconds: Math.round(now.signal_age_s ?? 0) }));
    add("limits", (now.limits ?? []).map((one) => words.word("limit", one)).join(", "));
    if (now.saved && now.saved !== "no") add("saved", words.word("saved", now.saved));
    add("age", tile.heard_s ? words.ago(need.age_s(tile, now_s)) : words.word("room", "never_heard"));
    add("machine", (tile.findings ?? []).map((one) => words.word("finding", one.code, { code: one.code }) + (one.since_s ? ` (${words.word("room", "since", { time: words.at(one.since_s) })})` : "")).join(". "));
    if (tile.waiting) add("waiting", words.word("room", "waiting_sessions", { number: tile.waiting }));
    same_list(find("panel-facts"), rows, (row) => row.join("\n"), (row) => {
      const pair = document.createDocumentFragment();
      const name = document.createElement("dt");
      const text = document.createElement("dd");
      name.textContent = row[0];
      text.textContent = row[1];
      pair.append(name, text);
      return pair;
    });
  }
}

// A list that is made anew only where it says something else than before.
function same_list(list, items, mark, make) {
  const marks = items.map(mark).join("\u0000");
  if (list.dataset.marks === marks) return;
  list.dataset.marks = marks;
  list.replaceChildren(...items.map(make));
}
