// Starting several machines at the same second.
import * as need from "./need.js";
import * as send from "./send.js";
import { given_words, put, show } from "./tile.js";
import * as words from "./words.js";

const AHEAD_S = 10;
const find = (id) => document.getElementById(id);

export class Group {
  #tiles = () => []; #now_s; #id = null; #at_s = 0; #chosen = new Map();

  constructor(tiles, now_s) {
    this.#tiles = tiles;
    this.#now_s = now_s;
    this.node = find("group");
    if (!this.node) return;
    find("group-open").addEventListener("click", () => this.#open());
    find("group-start").addEventListener("click", () => this.#start());
    put(find("group-start"), words.word("room", "start_in", { seconds: AHEAD_S }));
  }

  #open() {
    this.#id = null;
    this.#chosen.clear();
    put(find("group-said"), "");
    find("group-list").replaceChildren();
    this.update();
    this.node.showModal();
  }

  update() {
    if (!this.node) return;
    const now_s = this.#now_s();
    const tiles = this.#tiles();
    find("group-open").disabled = tiles.length === 0;
    const list = find("group-list");
    const shown = tiles.filter((tile) => need.linked(tile, now_s) && tile.now?.participant && tile.now.stage !== "running" && tile.now.stage !== "paused");
    for (const tile of tiles) if (this.#id && (tile.commands ?? []).some((one) => one.id === this.#id) && !shown.includes(tile)) shown.push(tile);
    const there = new Set(shown.map((tile) => tile.machine));
    for (const node of [...list.children]) if (!there.has(node.dataset.machine)) node.remove();
    for (const tile of shown) this.#row(list, tile, now_s);
    const ready = shown.filter((tile) => this.#is_chosen(tile));
    find("group-start").disabled = ready.length === 0 || (this.#id !== null && now_s < this.#at_s + 2);
    if (!shown.length) put(find("group-said"), words.word("room", "nobody_ready"));
    else if (this.#id === null && find("group-said").dataset.kind !== "error") put(find("group-said"), words.word("room", "chosen", { number: ready.length }));
  }

  #is_chosen(tile) {
    return tile.now?.face === "ready" && this.#chosen.get(tile.machine) !== false;
  }

  #row(list, tile, now_s) {
    let row = list.querySelector(`[data-machine="${tile.machine}"]`);
    if (!row) {
      row = document.createElement("li");
      row.dataset.machine = tile.machine;
      row.innerHTML = '<label><input type="checkbox"> <b></b> <span class="soft"></span></label> <span class="given" hidden></span>';
      row.querySelector("input").addEventListener("change", (event) => {
        this.#chosen.set(tile.machine, event.target.checked);
        this.update();
      });
      list.append(row);
    }
    const ready = tile.now?.face === "ready";
    const box = row.querySelector("input");
    if (box.disabled === ready) box.disabled = !ready;
    if (box.checked !== this.#is_chosen(tile)) box.checked = this.#is_chosen(tile);
    put(row.querySelector("b"), words.who(tile));
    put(row.querySelector(".soft"), `${words.machine(tile.machine)} · ${words.word("face", tile.now?.face ?? "other")}`);
    const given = (tile.commands ?? []).find((one) => one.id === this.#id);
    const told = row.querySelector(".given");
    show(told, Boolean(given));
    if (given) {
      put(told, given_words(given, now_s));
      told.dataset.outcome = given.outcome ?? "sent";
    }
  }

  async #start() {
    const chosen = this.#tiles().filter((tile) => need.linked(tile, this.#now_s()) && this.#is_chosen(tile));
    const said = find("group-said");
    delete said.dataset.kind;
    try {
      const given = await send.command(chosen.map(send.to), { name: "start_group", at_wall_s: 0 }, AHEAD_S);
      this.#id = given.id;
      this.#at_s = given.at_s;
      put(said, words.word("room", "starts_at", { time: words.at_second(given.at_s) }));
    } catch (error) {
      said.dataset.kind = "error";
      put(said, error.message);
    }
    this.update();
  }
}
