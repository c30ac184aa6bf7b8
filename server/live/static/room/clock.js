// The server's time as seen from here. Browsers' clocks are wrong and drift, and a message may be late on its way:
// the least difference heard within the last two minutes is the best known one.
const SPAN_S = 60;
let least = [Infinity, Infinity];
let begun_s = 0;

export const local_s = () => (performance.timeOrigin + performance.now()) / 1000;

export function start_anew() {
  least = [Infinity, Infinity];
  begun_s = local_s();
}

export function heard(sent_s) {
  const here_s = local_s();
  if (here_s - begun_s > SPAN_S) {
    least = [Infinity, least[0]];
    begun_s = here_s;
  }
  least[0] = Math.min(least[0], here_s - sent_s);
}

export function now_s() {
  const difference_s = Math.min(...least);
  return local_s() - (Number.isFinite(difference_s) ? difference_s : 0);
}
