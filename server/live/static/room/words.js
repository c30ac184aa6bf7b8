// Words, numbers and times in the page's language. All words come from the server.
const told = JSON.parse(document.getElementById("room").textContent);
export const room = told;
const language = document.documentElement.lang || "nb";
const numbers = new Map();
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: told.zone });
const clock_s = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", timeZone: told.zone });

export function word(group, code, values = {}) {
  const words = told.words[group] ?? {};
  const text = words[code] ?? words.other ?? code;
  return text.replace(/\{(\w+)\}/g, (_all, name) => values[name] ?? "");
}

export const knows = (group, code) => Object.hasOwn(told.words[group] ?? {}, code);

export function number(value, digits = 0) {
  if (!numbers.has(digits)) {
    numbers.set(digits, new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits }));
  }
  return numbers.get(digits).format(value);
}

const in_page = (text) => (language === "nb" ? text.replaceAll(":", ".") : text);
export const at = (wall_s) => in_page(clock.format(new Date(wall_s * 1000)));
export const at_second = (wall_s) => in_page(clock_s.format(new Date(wall_s * 1000)));

export function minutes(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

// Its unit never stands alone on the next line.
export const lasting = (seconds) => ago(seconds, true).replaceAll(" ", "\u00a0");

export function ago(seconds, short = false) {
  const whole = Math.max(0, Math.floor(seconds));
  const kind = short ? "old" : "ago";
  return whole < 120 ? word("room", `${kind}_s`, { number: whole }) : word("room", `${kind}_min`, { number: Math.floor(whole / 60) });
}

// As `server.live.words.called` does.
const PLAIN = new RegExp(told.plain_machine);
export function machine(name) {
  const plain = PLAIN.exec(name);
  return plain ? word("room", "machine", { number: plain[1] }) : name.charAt(0).toUpperCase() + name.slice(1).replaceAll("-", " ");
}

export function who(tile) {
  if (!room.names) return machine(tile.machine);
  if (tile.nickname) return tile.nickname;
  return tile.now?.participant ? word("room", "guest") : machine(tile.machine);
}

export const by_name = (one, other) => one.localeCompare(other, language, { numeric: true });
