// The live room: what comes over the stream is kept a machine at a time and shown where it changed; once a second
// everything grows older, also when nothing comes.
import * as clock from "./clock.js";
import { Group } from "./group.js";
import * as need from "./need.js";
import { Order } from "./order.js";
import { Panel } from "./panel.js";
import * as send from "./send.js";
import * as states from "./states.js";
import { Stream } from "./stream.js";
import { Chip, put, show, TileView } from "./tile.js";
import { Trace } from "./trace.js";
import * as words from "./words.js";

const find = (id) => document.getElementById(id);
const places = new Map(); // machine → { tile, trace, view, chip, drawn_s }
const list = find("tiles");
const shelf = find("shelf");
const trouble = find("trouble");
const spoken = find("spoken");
const announced = new Set();
const order = new Order(list);
let dead = null; // words on why nothing new comes
let dead_s = Infinity; // since when
let told_s = Infinity; // when something last came
let begun = false;

const group = new Group(() => [...places.values()].map((place) => place.tile).sort((one, other) => words.by_name(one.machine, other.machine)), clock.now_s);
const panel = new Panel({ seen: acknowledge, closed: () => fit() });

function open(machine, opener) {
  if (words.room.wall) return;
  panel.open(machine, opener);
  fit();
  update_panel();
}

async function acknowledge(machine, notice) {
  if (!notice) return;
  try {
    await send.seen(machine, notice);
  } catch (error) {
    say_trouble(error.message);
    setTimeout(() => say_trouble(dead), 6000);
  }
}

async function attend(machine) {
  try {
    await send.command([send.to(places.get(machine).tile)], { name: "attend" });
  } catch (error) {
    say_trouble(error.message);
    setTimeout(() => say_trouble(dead), 6000);
  }
}

function heard(told) {
  if (told.whole) whole(told.tiles);
  else for (const tile of told.tiles) changed(tile);
  dead = told.broker_up ? null : words.word("room", "broker_lost", { time: words.at(told.broker_s) });
  dead_s = told.broker_up ? Infinity : told.broker_s;
  told_s = told.sent_s;
  say_trouble(dead);
  if (told.whole || !begun) tick();
  begun = true;
}

function whole(tiles) {
  const there = new Set(tiles.map((tile) => tile.machine));
  for (const [machine, place] of places) {
    if (there.has(machine)) continue;
    place.view.node.remove();
    place.chip.node.remove();
    places.delete(machine);
  }
  for (const tile of tiles) {
    const place = place_of(tile.machine);
    place.trace.load(tile.trace);
    place.tile = tile;
    if (!begun) for (const one of need.unseen(tile)) announced.add(mark(tile, one));
    refresh(place);
  }
}

function changed(tile) {
  const place = place_of(tile.machine);
  const before = place.tile;
  const same = before?.now?.session_id && before.now.session_id === tile.now?.session_id;
  tile.stopped_early = (same && before.stopped_early) || states.stopped_early(before?.now, tile.now);
  place.tile = tile;
  const now = tile.now;
  if (now && before?.now && (before.now.session_id !== now.session_id || before.now.participant !== now.participant)) place.trace.clear();
  if (now?.session_id && tile.heard_s !== before?.heard_s) place.trace.add(tile.heard_s, now.rate_bpm ?? null, now.low_bpm ?? null, now.high_bpm ?? null);
  refresh(place);
  announce(tile);
}

function place_of(machine) {
  let place = places.get(machine);
  if (!place) {
    place = { tile: { machine }, trace: new Trace(), view: new TileView(machine, { open, seen: acknowledge, attend }), chip: new Chip(machine, { open }), drawn_s: 0, rank: need.RANK.after };
    places.set(machine, place);
  }
  return place;
}

// While nothing comes, everything is judged as it was when the last came: tiles keep their places and their words, and
// only their age goes on.
const BEAT_S = 4;
const judged_s = () => Math.min(clock.now_s(), dead_s, told_s + BEAT_S);

// A tile that is not in the room is not drawn: it comes into it, or leaves it, with the next tick.
function refresh(place) {
  const now_s = clock.now_s();
  if (place.chip.node.isConnected) place.chip.update(place.tile, judged_s(), { dead: Boolean(dead) });
  if (place.view.node.isConnected) {
    place.rank = place.view.update(place.tile, now_s, { dead: Boolean(dead), size: list.dataset.size, judged_s: judged_s() }).rank;
    place.view.draw(place.trace, now_s, Boolean(dead));
    place.drawn_s = now_s;
  }
  if (panel.machine === place.tile.machine) update_panel();
}

function update_panel() {
  const place = places.get(panel.machine);
  if (place) panel.update(place.tile, place.trace, clock.now_s(), Boolean(dead));
}

function tick() {
  const now_s = clock.now_s();
  const wanted = new Map();
  const idle = [];
  for (const [machine, place] of places) {
    if (need.in_use(place.tile, judged_s())) wanted.set(machine, need.condition(place.tile, judged_s()).rank);
    else idle.push(machine);
  }
  const moved = order.arrange(wanted, (machine) => places.get(machine).view.node);
  const away = (machine) => Number(!need.linked(places.get(machine).tile, judged_s()));
  arrange_shelf(idle.sort((one, other) => away(one) - away(other) || words.by_name(one, other)));
  list.classList.toggle("dead", Boolean(dead));
  sum(judged_s(), wanted, idle);
  fit();
  for (const place of places.values()) {
    if (moved || now_s - place.drawn_s > 0.9) refresh(place);
  }
  group.update();
}

function arrange_shelf(machines) {
  const nodes = machines.map((machine) => places.get(machine).chip.node);
  const there = new Set(nodes);
  let changed_it = shelf.children.length !== nodes.length;
  for (const node of [...shelf.children]) if (!there.has(node)) node.remove();
  nodes.forEach((node, index) => {
    if (shelf.children[index] === node) return;
    shelf.insertBefore(node, shelf.children[index] ?? null);
    changed_it = true;
  });
  if (!changed_it) return;
  for (const machine of machines) places.get(machine).chip.update(places.get(machine).tile, judged_s(), { dead: Boolean(dead) });
}

function sum(now_s, wanted, idle) {
  const tiles = [...wanted.keys()].map((machine) => places.get(machine).tile);
  const held = dead ? [] : states.counted(tiles, now_s);
  // What holds is counted by its own name below; here are the notices that passed before anybody saw them.
  const calling = tiles.filter((tile) => need.unseen(tile).length && (dead || !states.states(tile, now_s).length)).length;
  const away = [...places.values()].filter((place) => !need.linked(place.tile, now_s)).length;
  const free = idle.filter((machine) => need.linked(places.get(machine).tile, now_s)).length;
  const training = tiles.filter((tile) => need.trains(tile)).length;
  const parts = [[calling === 1 ? "waiting_one" : "waiting", calling], [training === 1 ? "training_one" : "training", training], ["before", tiles.length - training], ["free", free], ["away", away]];
  const told = parts.filter(([name, count]) => count || name === "training").map(([name, count]) => words.word("room", name, { number: count }));
  show_sum([...held.map((one) => [state_words(one), one.look]), ...told.map((text) => [text, ""])]);
  show(find("nobody"), begun && wanted.size === 0);
  put(find("nobody"), words.word("room", "nobody"));
}

function state_words(one) {
  const text = words.word("state", one.count === 1 ? `${one.code}_one` : one.code, { number: one.count });
  const lasting = one.for_s >= 60 ? ` ${words.lasting(one.for_s)}` : "";
  return text + lasting + (one.by ? `, ${words.word("state", "seen_by", { name: one.by })}` : "");
}

let summed = "";
function show_sum(parts) {
  const text = parts.map(([words_, look]) => `${look} ${words_}`).join("|");
  if (text === summed) return;
  summed = text;
  const nodes = parts.flatMap(([words_, look], index) => {
    const node = Object.assign(document.createElement(look ? "b" : "span"), { textContent: words_, className: look ? `sum-state text-${look}` : "" });
    return index ? [" · ", node] : [node];
  });
  find("sum").replaceChildren(...nodes);
}

// The largest tiles with which all fit on the screen; the smallest where none do, and then the page scrolls.
// On a wall a tile is as large as the screen allows, whatever the number.
function fit_wall(count) {
  const [width, height] = [list.clientWidth, innerHeight - (list.getBoundingClientRect().top + scrollY) - 16 - (shelf.children.length ? shelf.offsetHeight + 12 : 0)];
  let best = { share: 0, columns: 1, tall: height };
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const [wide, tall] = [(width - (columns - 1) * GAP.wall) / columns, (height - (rows - 1) * GAP.wall) / rows];
    const share = Math.min(wide / 1.45, tall);
    if (share > best.share) best = { share, columns, tall };
  }
  list.dataset.size = "wall";
  list.style.setProperty("--columns", String(best.columns));
  list.style.setProperty("--tile-height", `${Math.floor(best.tall)}px`);
}

const SIZES = [["l", 300, 290], ["m", 224, 206], ["s", 176, 150], ["xs", 110, 112]];
const MANY = 20;
const GAP = { l: 20, m: 14, s: 10, xs: 8, wall: 14 };
let fitted = "";
function fit() {
  const count = list.children.length;
  if (!count) return;
  const width = list.clientWidth;
  const top = list.getBoundingClientRect().top + scrollY;
  const now_fits = [count, width, top, innerHeight, shelf.offsetHeight].join(" ");
  if (now_fits === fitted) return;
  fitted = now_fits;
  for (const place of places.values()) place.drawn_s = 0;
  if (words.room.wall) return fit_wall(count);
  // Of many idle machines the first line is enough; the rest is scrolled to.
  const below = shelf.children.length ? Math.min(shelf.offsetHeight, 92) + 12 : 0;
  const height = innerHeight - top - below - 16;
  // Tiles too small to be read from afar are for rooms that cannot be shown otherwise.
  const sizes = count > MANY ? SIZES : SIZES.slice(0, -1);
  let chosen = sizes.at(-1);
  for (const size of sizes) {
    const [name, least_width, least_height] = size;
    const columns = Math.max(1, Math.floor((width + GAP[name]) / (least_width + GAP[name])));
    const rows = Math.ceil(count / columns);
    if (rows * (least_height + GAP[name]) - GAP[name] <= height) {
      chosen = size;
      break;
    }
  }
  // A telephone scrolls: there a tile that can be read is worth more than all at once.
  if (innerWidth < 640) chosen = SIZES[1];
  const [name, least_width, least_height] = chosen;
  const most_columns = Math.max(1, Math.floor((width + GAP[name]) / (least_width + GAP[name])));
  const rows = Math.ceil(count / most_columns);
  const columns = innerWidth < 640 || rows === 1 ? most_columns : Math.ceil(count / rows);
  const room_px = Math.floor((height - (rows - 1) * GAP[name]) / rows);
  const most = name === "l" ? 340 : least_height * 1.5;
  list.dataset.size = name;
  list.style.setProperty("--columns", String(columns));
  list.style.setProperty("--tile-height", `${Math.max(least_height, Math.min(most, room_px))}px`);
}

const mark = (tile, one) => `${tile.machine} ${one.session_id ?? ""} ${one.code} ${one.since_s ?? 0}`;

function announce(tile) {
  const fresh = need.unseen(tile).filter((one) => !announced.has(mark(tile, one)));
  for (const one of fresh) {
    announced.add(mark(tile, one));
    const who = [words.who(tile), words.machine(tile.machine)].filter((text, index, all) => all.indexOf(text) === index).join(", ");
    spoken.append(Object.assign(document.createElement("p"), { textContent: words.word("room", "announce", { who, what: `${words.word("level", one.level)}. ${need.notice_words(one, tile)}` }) }));
  }
  while (spoken.children.length > 5) spoken.firstElementChild.remove();
}

function say_trouble(text) {
  show(trouble, Boolean(text));
  put(trouble, text ?? "");
}

function lost(since_s) {
  dead = words.word("room", begun ? "stream_lost" : "connecting", { time: words.at(since_s) });
  dead_s = Math.min(dead_s, since_s);
  say_trouble(dead);
  tick();
}

function bye() {
  dead_s = Math.min(dead_s, clock.now_s());
  dead = words.word("room", "signed_out");
  say_trouble(dead);
  const link = Object.assign(document.createElement("a"), { href: location.href, textContent: words.word("room", "log_in") });
  trouble.append(" ", link);
  tick();
}

async function keep_awake() {
  if (document.visibilityState !== "visible") return;
  try {
    await navigator.wakeLock?.request("screen");
  } catch {
    // A browser that does not allow it, or a battery that is low: the screen's own settings hold.
  }
}

addEventListener("resize", () => { fit(); tick(); });
document.addEventListener("visibilitychange", keep_awake);
keep_awake();
setInterval(tick, 1000);
if (words.room.wall) {
  setInterval(() => put(find("wall-clock"), words.at(clock.now_s())), 1000);
  document.addEventListener("keydown", (event) => event.key === "Escape" && location.assign(words.room.leave));
}
new Stream(words.room.stream, { heard, lost, bye });
