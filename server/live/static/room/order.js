// Where each tile stands: by need, and calmly. A tile moves when its need has lasted, never while somebody is about to
// press, and at most every few seconds; what is grave moves it soon.
import { RANK } from "./need.js";
import { by_name } from "./words.js";

const UP_AFTER_S = 2;
const DOWN_AFTER_S = 8;
const MOVE_EVERY_S = 4;
const HANDS_OFF_S = 2.5;
const GRAVE = RANK.attention;
const still = matchMedia("(prefers-reduced-motion: reduce)");

export class Order {
  #list; #held = new Map(); #moved_s = -Infinity; #touched_s = -Infinity; #now = [];

  constructor(list) {
    this.#list = list;
    const touched = () => { this.#touched_s = performance.now() / 1000; };
    for (const what of ["pointerdown", "pointermove", "keydown"]) list.addEventListener(what, touched, { passive: true });
  }

  // `wanted`: machine → rank. `node_of`: its tile. New tiles are placed at once, others in their time.
  arrange(wanted, node_of) {
    const here_s = performance.now() / 1000;
    for (const [machine, rank] of wanted) this.#hold(machine, rank, here_s);
    for (const machine of this.#held.keys()) if (!wanted.has(machine)) this.#held.delete(machine);
    const order = [...wanted.keys()].sort((one, other) => this.#held.get(one).rank - this.#held.get(other).rank || by_name(one, other));
    const same = order.length === this.#now.length && order.every((one, index) => one === this.#now[index]);
    if (same) return false;
    const members = order.length !== this.#now.length || order.some((one) => !this.#now.includes(one));
    const grave = order[0] !== this.#now[0] && this.#held.get(order[0])?.rank <= GRAVE;
    if (!members && here_s - this.#touched_s < HANDS_OFF_S) return false;
    if (!members && !grave && here_s - this.#moved_s < MOVE_EVERY_S) return false;
    this.#moved_s = here_s;
    this.#now = order;
    this.#move(order.map(node_of));
    return true;
  }

  #hold(machine, rank, here_s) {
    const held = this.#held.get(machine);
    if (!held) {
      this.#held.set(machine, { rank, wanted: rank, since_s: here_s });
      return;
    }
    if (held.wanted !== rank) {
      held.wanted = rank;
      held.since_s = here_s;
    }
    const patience_s = rank <= GRAVE && rank < held.rank ? 0 : rank < held.rank ? UP_AFTER_S : DOWN_AFTER_S;
    if (here_s - held.since_s >= patience_s) held.rank = rank;
  }

  #move(nodes) {
    const focused = document.activeElement;
    const before = still.matches ? null : new Map([...this.#list.children].map((node) => [node, node.getBoundingClientRect()]));
    const there = new Set(nodes);
    for (const node of [...this.#list.children]) if (!there.has(node)) node.remove();
    nodes.forEach((node, index) => {
      if (this.#list.children[index] !== node) this.#list.insertBefore(node, this.#list.children[index] ?? null);
    });
    if (focused && focused !== document.activeElement && this.#list.contains(focused)) focused.focus({ preventScroll: true });
    if (!before) return;
    const after = nodes.map((node) => [node, before.get(node), node.getBoundingClientRect()]);
    for (const [node, from, to] of after) {
      if (!from || (from.left === to.left && from.top === to.top)) continue;
      node.animate([{ transform: `translate(${from.left - to.left}px, ${from.top - to.top}px)` }, { transform: "none" }], { duration: 350, easing: "ease-in-out" });
    }
  }
}
