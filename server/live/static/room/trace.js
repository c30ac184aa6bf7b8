// The rate of the last minutes against its zone, on a canvas. It grows from the left until the newest stands at four
// fifths of the width, so that the zone can be seen to go on. A canvas is drawn when something came, at most once a
// second: one pixel a second is all that moves.
export const SPAN_S = 300;
const AHEAD = 0.18;
const BREAK_S = 5;
const LEAST_SPAN_BPM = 45;

let colours = null;
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { colours = null; });

function colour(name) {
  if (!colours) {
    const style = getComputedStyle(document.documentElement);
    colours = new Map(["text", "text-faint", "in", "in-soft", "lost-pale", "line"].map((one) => [one, style.getPropertyValue(`--${one}`).trim()]));
  }
  return colours.get(name);
}

export class Trace {
  #points = [];

  load(trace) {
    this.#points = [];
    if (!trace) return;
    let zone = 0;
    trace.bpm.forEach((bpm, second) => {
      while (zone + 1 < trace.bands.length && trace.bands[zone + 1][0] <= second) zone += 1;
      const [, low, high] = trace.bands[zone] ?? [0, null, null];
      this.#points.push({ t: trace.start_s + second, bpm, low, high });
    });
  }

  add(t, bpm, low, high) {
    this.#points.push({ t, bpm, low, high });
    while (this.#points.length && this.#points[0].t < t - SPAN_S - 10) this.#points.shift();
  }

  clear() {
    this.#points = [];
  }

  draw(canvas, now_s, { old = false, large = false } = {}) {
    const ratio = Math.min(2, globalThis.devicePixelRatio || 1);
    const { width, height } = size_of(canvas);
    if (!width || !height) return;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const paint = canvas.getContext("2d");
    paint.setTransform(ratio, 0, 0, ratio, 0, 0);
    paint.clearRect(0, 0, width, height);
    const points = this.#points.filter((one) => one.t > now_s - SPAN_S);
    if (!points.length) return;
    const left = large ? 34 : 0;
    const begin_s = Math.max(points[0].t, now_s - SPAN_S);
    const x = (t) => left + ((1 - AHEAD) * (width - left) * (t - begin_s)) / SPAN_S;
    const y = scale(points, height, large);
    bands(paint, points, x, y, width, now_s);
    if (large) lines(paint, points, y, width, left);
    line(paint, points, x, y, colour(old ? "lost-pale" : "text"), large ? 2.5 : 2);
  }
}

// Asking a canvas for its size right after a text has changed would make the browser lay out the page each time.
const sizes = new WeakMap();
const watching = new ResizeObserver((entries) => {
  for (const entry of entries) sizes.set(entry.target, { width: entry.contentRect.width, height: entry.contentRect.height });
});

function size_of(canvas) {
  if (!sizes.has(canvas)) {
    sizes.set(canvas, { width: canvas.clientWidth, height: canvas.clientHeight });
    watching.observe(canvas);
  }
  return sizes.get(canvas);
}

function scale(points, height, large) {
  let low = Infinity;
  let high = -Infinity;
  for (const one of points) {
    for (const value of [one.bpm, one.low, one.high]) {
      if (value === null || value === undefined) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  if (low > high) [low, high] = [60, 180];
  const spare = Math.max(0, LEAST_SPAN_BPM - (high - low)) / 2;
  const top = high + spare;
  const bottom = low - spare;
  const edge_px = large ? 12 : 5;
  const y = (bpm) => edge_px + (height - 2 * edge_px) * (1 - (bpm - bottom) / (top - bottom));
  y.bottom = bottom;
  y.top = top;
  return y;
}

function bands(paint, points, x, y, width, now_s) {
  let from = 0;
  for (let to = 1; to <= points.length; to += 1) {
    const first = points[from];
    const here = points[to];
    if (here && here.low === first.low && here.high === first.high) continue;
    if (first.low !== null && first.low !== undefined) {
      const start = x(first.t);
      const end = here ? x(here.t) : now_s - points.at(-1).t < 15 ? width : x(points.at(-1).t);
      const high = y(first.high ?? y.top);
      const low = y(first.low);
      paint.fillStyle = colour("in-soft");
      paint.beginPath();
      paint.roundRect(start, high, Math.max(1, end - start - 1), Math.max(2, low - high), 3);
      paint.fill();
      paint.strokeStyle = colour("in");
      paint.globalAlpha = 0.4;
      paint.lineWidth = 1;
      paint.stroke();
      paint.globalAlpha = 1;
    }
    from = to;
  }
}

function lines(paint, points, y, width, left) {
  paint.fillStyle = colour("text-faint");
  paint.strokeStyle = colour("line");
  paint.lineWidth = 1;
  paint.font = "12px Inter, system-ui, sans-serif";
  paint.textBaseline = "middle";
  const step = y.top - y.bottom > 90 ? 40 : 20;
  for (let bpm = Math.ceil(y.bottom / step) * step; bpm <= y.top; bpm += step) {
    paint.fillText(String(bpm), 2, y(bpm));
    paint.beginPath();
    paint.moveTo(left, y(bpm));
    paint.lineTo(width, y(bpm));
    paint.stroke();
  }
}

function line(paint, points, x, y, colour, thick) {
  paint.strokeStyle = colour;
  paint.lineWidth = thick;
  paint.lineJoin = "round";
  paint.lineCap = "round";
  paint.beginPath();
  let last = null;
  for (const one of points) {
    if (typeof one.bpm !== "number") continue;
    if (last && one.t - last.t < BREAK_S) paint.lineTo(x(one.t), y(one.bpm));
    else paint.moveTo(x(one.t), y(one.bpm));
    last = one;
  }
  paint.stroke();
  if (!last) return;
  paint.fillStyle = colour;
  paint.beginPath();
  paint.arc(x(last.t), y(last.bpm), thick * 2.1, 0, 7);
  paint.fill();
}
