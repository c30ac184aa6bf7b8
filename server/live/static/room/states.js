// What holds at a machine, whether somebody has seen it or not: «seen» silences a notice and ends no state.
import * as need from "./need.js";

// The gravest first. `look`: the colour's name; `notice`: the notices that say so while they hold.
const STATES = [
  { code: "unwell", look: "stop", notice: ["unwell", "not_all_right"] },
  { code: "no_answer", look: "stop", notice: ["no_answer"] },
  { code: "over_ceiling", look: "above", notice: ["over_ceiling"] },
  { code: "no_rate", look: "signal", holds: (now) => now.stage === "running" && (now.signal === "lost" || now.signal === "stale") },
  { code: "stopped_early", look: "above", holds: (_now, tile) => Boolean(tile.stopped_early) },
  { code: "weak", look: "signal", holds: (now) => now.stage === "running" && (now.signal === "weak" || now.signal === "implausible") },
];

const of_session = (one, now) => !one.session_id || !now.session_id || one.session_id === now.session_id;

// The states of a tile: { code, look, for_s, by }. `for_s`: how long a silent strap is silent; `by`: who has seen it.
export function states(tile, now_s) {
  const now = tile.now;
  if (!now || !need.linked(tile, now_s)) return [];
  const found = [];
  for (const state of STATES) {
    const notices = (tile.notices ?? []).filter((one) => state.notice?.includes(one.code) && need.holds(one) && of_session(one, now));
    if (!notices.length && !state.holds?.(now, tile)) continue;
    const seen = notices.find((one) => one.at_s);
    found.push({ code: state.code, look: state.look, for_s: state.code === "no_rate" ? (now.signal_age_s ?? null) : null, by: seen?.by ?? "" });
  }
  return found;
}

// All states of a room: how many are in each, the longest of them, and who has seen it where everybody was seen.
export function counted(tiles, now_s) {
  const all = tiles.map((tile) => states(tile, now_s));
  return STATES.map(({ code, look }) => {
    const ones = all.flat().filter((one) => one.code === code);
    return { code, look, count: ones.length, for_s: Math.max(0, ...ones.map((one) => one.for_s ?? 0)), by: ones.length && ones.every((one) => one.by) ? ones[0].by : "" };
  }).filter((one) => one.count);
}

// A session that ends before its last part is over was stopped early; what is told of it last says so.
export function stopped_early(before, now) {
  if (!now?.session_id || before?.session_id !== now.session_id) return false;
  const over = now.stage === "ended" && before.stage === "running";
  return over && before.phase !== "cool_down" && (before.remaining_s ?? 0) > 10;
}
