// What a machine's picture means for whoever looks after the room: a word, an icon, a place by need.
import * as words from "./words.js";

export const GREY_S = 10;
const FORGET_S = 45 * 60;
const FREE = new Set(["choose_participant", "machine", "self_test", "self_test_failed"]);
const TRAINING = new Set(["running", "paused"]);
const SILENT = new Set(["stale", "lost"]);

export const RANK = { stop: 0, attention: 1, link: 2, signal: 3, above: 4, weak: 5, below: 6, fine: 7, paused: 8, before: 9, after: 10 };

export const worst_first = { stop_now: 0, attention: 1, information: 2 };
export const unseen = (tile) => (tile.notices ?? []).filter((one) => one.to_acknowledge && !one.at_s);
// The machine calls for somebody, and nobody has said yet that they are with the participant.
export const calls = (tile) => (tile.notices ?? []).find((one) => one.code === "no_answer" && holds(one));
export const holds = (one) => one.holds !== false;

export function age_s(tile, now_s) {
  return tile.heard_s === undefined || tile.heard_s === null ? Infinity : Math.max(0, now_s - tile.heard_s);
}

export const trains = (tile) => TRAINING.has(tile.now?.stage);

export function linked(tile, now_s) {
  return Boolean(tile.online) && age_s(tile, now_s) < GREY_S;
}

export function in_use(tile, now_s) {
  if (unseen(tile).length) return true;
  if (!tile.now || FREE.has(tile.now.face)) return false;
  return linked(tile, now_s) || age_s(tile, now_s) < FORGET_S;
}

// Where the person stands: { rank, look, icon, status, advice }.
export function condition(tile, now_s) {
  const now = tile.now;
  const shown = lasting(tile, linked(tile, now_s) ? person(tile, now) : away(tile, now_s), now_s);
  const worst = unseen(tile).sort((one, other) => worst_first[one.level] - worst_first[other.level])[0];
  const stop = (tile.notices ?? []).some((one) => one.level === "stop_now" && (holds(one) || (one.to_acknowledge && !one.at_s)));
  if (stop) return { ...shown, rank: RANK.stop, look: "stop" };
  if (worst) return { ...shown, rank: Math.min(shown.rank, RANK.attention) };
  return shown;
}

// Over the ceiling stays coloured until it ends, whether it was seen or not, and also while the rate falls.
function lasting(tile, shown, now_s) {
  const over = (tile.notices ?? []).find((one) => one.code === "over_ceiling" && holds(one) && (!one.session_id || one.session_id === tile.now?.session_id));
  if (!over || !linked(tile, now_s)) return shown;
  const lasts = { ...shown, rank: Math.min(shown.rank, RANK.above), look: "above" };
  // While it waits to be seen, the notice itself says so below.
  return over.at_s ? { ...lasts, icon: "up", status: words.word("notice", "over_ceiling"), medium: undefined, short: undefined } : lasts;
}

function away(tile, now_s) {
  const off = !tile.online;
  const since_s = off ? (tile.link_s ?? tile.heard_s) : tile.heard_s;
  const code = since_s === undefined || since_s === null ? "never_heard" : off ? "machine_off" : "no_contact";
  const training = trains(tile);
  return {
    rank: training ? RANK.link : RANK.after,
    look: "away",
    icon: "link",
    status: words.word("room", code, { time: since_s ? words.at(since_s) : "" }),
    advice: "",
  };
}

function person(tile, now) {
  if (!now) return { rank: RANK.after, look: "idle", icon: "person", status: "", advice: "" };
  if (now.stage === "paused") return { rank: RANK.paused, look: "idle", icon: "pause", status: words.word("phase", "paused"), advice: "" };
  if (now.stage !== "running") {
    const rank = now.face === "go_on" || now.face === "not_today" ? RANK.signal : ["exertion", "mood", "ended"].includes(now.face) ? RANK.after : RANK.before;
    return { rank, look: now.face === "ready" ? "ready" : "idle", icon: now.face === "ready" ? "in" : "person", status: words.word("face", now.face), advice: now.saved && now.saved !== "no" ? words.word("saved", now.saved) : "" };
  }
  const advice = advised(now);
  if (SILENT.has(now.signal) || now.signal === "implausible") {
    const seconds = now.signal_age_s === undefined ? null : Math.round(now.signal_age_s);
    const code = now.signal === "lost" && seconds === null ? "lost_now" : now.signal;
    return {
      rank: now.signal === "stale" ? RANK.weak : RANK.signal,
      look: "lost",
      icon: now.signal,
      status: words.word("signal", code, { time: seconds === null ? "" : words.lasting(seconds) }),
      advice: words.word("signal_advice", now.signal),
    };
  }
  const weak = now.signal === "weak";
  const zone = zoned(now);
  return { ...zone, rank: weak ? Math.min(zone.rank, RANK.weak) : zone.rank, advice: weak ? `${words.word("signal", "weak")} · ${advice}` : advice };
}

function zoned(now) {
  if (now.mode === "exertion") return { rank: RANK.fine, look: "idle", icon: "person", status: words.word("position", "exertion") };
  const working = now.phase === "interval" || now.phase === "steady";
  switch (now.position) {
    case "above":
      // After an interval the rate falls: that is no «above».
      return working
        ? { rank: RANK.above, look: "above", icon: "up", status: words.word("position", "above") }
        : { rank: RANK.fine, look: "below", icon: "down", status: words.word("position", "falling") };
    case "in":
      return { rank: RANK.fine, look: "in", icon: "in", status: words.word("position", "in") };
    case "below":
      return rising(now, working);
    default:
      return { rank: RANK.fine, look: "idle", icon: "live", status: words.word("phase", now.phase === "interval" ? "other" : now.phase, { number: "", of: "" }).trim() };
  }
}

function rising(now, working) {
  const told = now.prediction;
  const most_bpm = now.fraction && now.rate_bpm ? now.rate_bpm / now.fraction : null;
  const run_up = now.length_s && now.remaining_s !== undefined ? now.length_s - now.remaining_s < 120 : false;
  if (working && told?.third_minute_bpm && most_bpm && run_up) {
    const percent = Math.round((100 * told.third_minute_bpm) / most_bpm);
    return { rank: RANK.fine, look: "below", icon: "up", status: words.word("position", "expected", { percent }), medium: words.word("position", "expected_short", { percent }), short: words.word("position", "rising") };
  }
  if (!working || run_up) return { rank: RANK.fine, look: "below", icon: "up", status: words.word("position", "rising") };
  return { rank: RANK.below, look: "below", icon: "down", status: words.word("position", "below") };
}

function advised(now) {
  const parts = [];
  const advice = now.advice ?? {};
  if (advice.direction && advice.direction !== "none") parts.push(words.word("advice", advice.direction));
  else if (now.phase === "recovery" || now.phase === "cool_down") parts.push(words.word("advice", "recovery"));
  const speed = advice.speed_kmh ?? now.speed_kmh;
  if (typeof speed === "number") parts.push(words.word("room", "speed", { number: words.number(speed, 1) }));
  const incline = advice.incline_percent ?? now.incline_percent;
  if (typeof incline === "number" && incline > 0) parts.push(words.word("room", "percent", { number: words.number(incline, incline % 1 ? 1 : 0) }));
  return parts.join(" · ");
}

export function phase(now, short = false) {
  if (!now) return "";
  if (now.stage === "paused") return words.word("phase", "paused");
  if (!now.phase || now.stage !== "running") return "";
  const code = short && words.knows("phase", `${now.phase}_short`) ? `${now.phase}_short` : now.phase;
  return words.word("phase", code, { number: now.interval || 1, of: now.intervals ?? "" });
}

// A notice of the session before stays until somebody has seen it; it must not be taken for whoever trains now (H12).
export function notice_words(one, tile) {
  const text = one.session_id && tile.now?.session_id && one.session_id !== tile.now.session_id ? words.word("notice", "before", { notice: words.word("notice", one.code) }) : words.word("notice", one.code);
  return typeof one.lasted_s === "number" && !holds(one) ? words.word("notice", "lasted", { notice: text, time: words.lasting(one.lasted_s) }) : text;
}
