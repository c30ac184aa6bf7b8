// What is sent to the server: a command, or that a notice was seen. Gives the answer, or throws words for people.
import { room, word } from "./words.js";

const token = document.querySelector("#token input").value;

async function post(address, told) {
  let answer;
  try {
    answer = await fetch(address, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": token, Accept: "application/json" },
      body: JSON.stringify(told),
      signal: AbortSignal.timeout(10_000),
    });
  } catch {
    throw new Error(word("room", "not_sent"));
  }
  if (answer.ok) return answer.json();
  const refused = answer.headers.get("Content-Type")?.includes("json") ? await answer.json() : null;
  throw new Error(refused?.words ?? word("room", answer.status === 401 ? "signed_out" : "not_sent"));
}

export const command = (to, action, in_s = undefined) => post(room.command, { to, action, in_s });
export const seen = (machine, notice) =>
  post(room.acknowledge, { machine, code: notice.code, since_s: notice.since_s ?? 0, session_id: notice.session_id ?? null });
export const to = (tile) => ({ machine: tile.machine, participant: tile.now?.participant ?? null });
