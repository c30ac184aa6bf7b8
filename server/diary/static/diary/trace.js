// The picture of one session: rate, zones and phases, speed and incline, moved through by mouse, fingers or keys.
// The server tells everything that is said; this draws it. uPlot is fetched only here.

import { on_paper } from "../web/paper.js";

const box = document.querySelector(".trace");
const labels = JSON.parse(document.getElementById(box.dataset.labels).textContent);
const line = box.querySelector(".trace-words");
const plotBox = box.querySelector(".trace-plot");
const loadBox = box.querySelector(".trace-load");
const numbers = new Intl.NumberFormat(box.dataset.language === "nb" ? "nb-NO" : "en-GB", { maximumFractionDigits: 1 });
const share = (percent) => `${numbers.format(percent)}${box.dataset.language === "nb" ? "\u00a0" : ""}%`;
const style = getComputedStyle(document.documentElement);
const colour = (name) => style.getPropertyValue(name).trim();
const AXIS = 52;
const SHORTEST_S = 20;
const FACE = '"Inter", system-ui, sans-serif';

function clock(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value) => String(value).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const rest = whole % 3600;
  return hours ? `${hours}:${two(Math.floor(rest / 60))}:${two(rest % 60)}` : `${Math.floor(rest / 60)}:${two(rest % 60)}`;
}

// What holds at a moment, of runs [[from, …], …]: its place, or -1 before the first.
function at(runs, t) {
  let low = 0;
  let high = runs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (runs[middle][0] <= t) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function opened(runs, times) {
  return times.map((t) => {
    const place = at(runs, t);
    return place < 0 ? null : runs[place][1];
  });
}

function behind(trace, words) {
  return (u) => {
    const { ctx, bbox } = u;
    const ratio = devicePixelRatio || 1;
    const x = (t) => u.valToPos(t, "x", true);
    const y = (bpm) => u.valToPos(bpm, "bpm", true);
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.font = `600 ${12 * ratio}px ${FACE}`;
    ctx.textBaseline = "top";
    ctx.textAlign = "left";
    trace.phases.forEach((phase, place) => {
      const left = x(phase.start_s);
      const width = x(phase.end_s) - left;
      if (phase.kind === "interval" || phase.kind === "steady") {
        ctx.fillStyle = colour("--ground");
        ctx.fillRect(left, bbox.top, width, bbox.height);
      }
      ctx.fillStyle = colour("--text-soft");
      const inView = Math.max(left, bbox.left);
      const room = Math.min(left + width, bbox.left + bbox.width) - inView - 10 * ratio;
      const title = words.phases[place];
      const short = phase.interval && phase.kind === "interval" ? String(phase.interval) : "";
      const shown = [title, short].find((text) => text && ctx.measureText(text).width <= room);
      if (shown) ctx.fillText(shown, inView + 5 * ratio, bbox.top + 5 * ratio);
    });
    for (const band of trace.bands) {
      const [left, top] = [x(band.start_s), y(band.high_bpm)];
      const [width, height] = [x(band.end_s) - left, y(band.low_bpm) - top];
      ctx.fillStyle = colour("--in-soft");
      ctx.fillRect(left, top, width, height);
      ctx.fillStyle = colour("--in");
      ctx.globalAlpha = 0.55;
      ctx.fillRect(left, top, width, ratio);
      ctx.fillRect(left, top + height - ratio, width, ratio);
      ctx.globalAlpha = 1;
    }
    ctx.strokeStyle = colour("--line-strong");
    ctx.lineWidth = ratio;
    for (const [start, end] of trace.pauses) {
      const [left, right] = [x(start), x(end)];
      ctx.globalAlpha = 0.6;
      ctx.beginPath();
      for (let along = left - bbox.height; along < right; along += 9 * ratio) {
        ctx.moveTo(Math.max(left, along), bbox.top + Math.max(0, left - along));
        ctx.lineTo(Math.min(right, along + bbox.height), bbox.top + Math.min(bbox.height, right - along));
      }
      ctx.stroke();
      ctx.globalAlpha = 1;
    }
    if (trace.ceiling_bpm) {
      ctx.strokeStyle = colour("--above");
      ctx.lineWidth = 1.5 * ratio;
      ctx.setLineDash([6 * ratio, 5 * ratio]);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y(trace.ceiling_bpm));
      ctx.lineTo(bbox.left + bbox.width, y(trace.ceiling_bpm));
      ctx.stroke();
    }
    ctx.restore();
  };
}

function range(trace) {
  const seen = trace.rate_bpm.filter((bpm) => bpm !== null);
  const all = [...seen, ...trace.bands.flatMap((band) => [band.low_bpm, band.high_bpm]), trace.ceiling_bpm ?? 0].filter(Boolean);
  if (!all.length) return [60, 200];
  const low = all.reduce((a, b) => Math.min(a, b));
  const high = all.reduce((a, b) => Math.max(a, b));
  return [Math.floor((low - 6) / 10) * 10, Math.ceil((high + 14) / 10) * 10];
}

function axes(extra, below = true) {
  const common = {
    stroke: () => colour("--text-faint"),
    font: `12px ${FACE}`,
    grid: { stroke: () => colour("--line"), width: 1 },
    ticks: { show: false },
  };
  return [
    { ...common, show: below, values: (_u, splits) => splits.map(clock), incrs: [5, 10, 30, 60, 120, 300, 600, 900, 1800, 3600], space: 60, size: 28, grid: { show: false } },
    ...extra.map((one) => ({ ...common, size: AXIS, space: 26, values: (_u, splits) => splits.map((value) => numbers.format(value)), ...one })),
  ];
}

function draw(uPlot, { trace, words }) {
  const times = trace.t;
  const sure = trace.rate_bpm.map((bpm, place) => (trace.doubtful[place] ? null : bpm));
  const doubtful = trace.rate_bpm.map((bpm, place) => (trace.doubtful[place] ? bpm : null));
  const speed = opened(trace.speed_kmh, times);
  const incline = opened(trace.incline_percent, times);
  const whole = [0, Math.max(trace.length_s, 1)];
  const [low, high] = range(trace);
  const cursor = { sync: { key: "trace", setSeries: false }, drag: { x: true, y: false, uni: 12 }, points: { size: 9 }, x: true, y: false };
  const width = () => Math.max(240, plotBox.clientWidth);
  const height = () => (innerWidth < 640 ? 240 : 340);
  const scales = { x: { time: false, min: whole[0], max: whole[1] } };

  const main = new uPlot(
    {
      width: width(),
      height: height(),
      padding: [6, AXIS, 10, 0],
      legend: { show: false },
      cursor,
      scales: { ...scales, bpm: { range: [low, high] } },
      axes: axes([{ scale: "bpm" }], false),
      series: [
        {},
        { scale: "bpm", stroke: () => colour("--text"), width: 1.75, points: { show: false } },
        { scale: "bpm", stroke: () => colour("--above"), width: 2, dash: [2, 4], points: { show: false } },
        { scale: "bpm", stroke: () => colour("--below"), width: 1.5, dash: [5, 4], alpha: 0.55, paths: uPlot.paths.stepped({ align: 1 }), points: { show: false } },
        { scale: "bpm", stroke: () => colour("--lost"), width: 1.5, points: { show: false } },
      ],
      hooks: { drawClear: [behind(trace, words)], setCursor: [(u) => tell(u.cursor.idx)] },
    },
    [times, sure, doubtful, trace.expected_bpm, times.map(() => null)],
    plotBox,
  );
  const stepped = uPlot.paths.stepped({ align: 1 });
  const load = new uPlot(
    {
      width: width(),
      height: 120,
      padding: [12, 0, 0, 0],
      legend: { show: false },
      cursor,
      scales: {
        ...scales,
        kmh: { range: (_u, _min, most) => [0, Math.max(6, Math.ceil((most ?? 0) + 1))] },
        incline: { range: (_u, _min, most) => [0, Math.max(6, Math.ceil((most ?? 0) + 1))] },
      },
      axes: axes([{ scale: "kmh", incrs: [1, 2, 4, 5, 10], values: (_u, splits) => splits.map((value) => `${numbers.format(value)}${value ? ` ${labels.kmh}` : ""}`) }, { scale: "incline", side: 1, incrs: [1, 2, 4, 5, 10], grid: { show: false }, values: (_u, splits) => splits.map(share) }]),
      series: [
        {},
        { scale: "kmh", stroke: () => colour("--text"), width: 2, paths: stepped, points: { show: false } },
        { scale: "incline", stroke: () => colour("--below"), width: 1.5, dash: [3, 3], paths: stepped, points: { show: false } },
      ],
      hooks: {
        drawClear: [
          (u) => {
            u.ctx.save();
            u.ctx.fillStyle = colour("--ground");
            for (const phase of trace.phases) {
              if (phase.kind !== "interval" && phase.kind !== "steady") continue;
              const left = Math.max(u.bbox.left, u.valToPos(phase.start_s, "x", true));
              const right = Math.min(u.bbox.left + u.bbox.width, u.valToPos(phase.end_s, "x", true));
              if (right > left) u.ctx.fillRect(left, u.bbox.top, right - left, u.bbox.height);
            }
            u.ctx.restore();
          },
        ],
      },
    },
    [times, speed, incline],
    loadBox,
  );

  const key = (name) => box.querySelector(`.key-${name}`);
  key("expected").hidden = !trace.expected_bpm.some((bpm) => bpm !== null);
  key("ceiling").hidden = !trace.ceiling_bpm;

  const resting = line.innerHTML;
  let place = null;

  function tell(index) {
    if (index === null || index === undefined) {
      line.innerHTML = resting;
      rows.forEach((row) => row.classList.remove("row-here"));
      return;
    }
    place = index;
    const t = times[index];
    rows.forEach((row, number) => row.classList.toggle("row-here", worked[number].start_s <= t && t < worked[number].end_s));
    const phase = trace.phases.findLastIndex((one) => one.start_s <= t && t < one.end_s);
    const paused = trace.pauses.some(([start, end]) => start <= t && t < end);
    const band = trace.bands.find((one) => one.start_s <= t && t < one.end_s);
    const signal = at(trace.signal, t);
    const said = at(trace.advice, t);
    const rate = trace.rate_bpm[index];
    const parts = [`<b>${clock(t)}</b>`];
    if (rate === null) parts.push(signal < 0 ? labels.noRate : words.signal[trace.signal[signal][1]]);
    else parts.push(`<b>${numbers.format(rate)}</b> ${labels.bpm}${trace.doubtful[index] ? ` (${labels.doubtful})` : ""}`);
    if (phase >= 0) parts.push(escaped(words.phases[phase]) + (paused ? ` (${labels.paused})` : ""));
    if (band) parts.push(`${labels.zone} ${numbers.format(Math.round(band.low_bpm))}–${numbers.format(Math.round(band.high_bpm))}`);
    if (speed[index] !== null) parts.push(`${numbers.format(speed[index])} ${labels.kmh}, ${share(incline[index] ?? 0)}`);
    if (said >= 0 && (trace.advice[said][1] !== "none" || trace.advice[said][2] !== "none")) parts.push(escaped(words.advice[said]));
    line.innerHTML = parts.join('<span class="dot"> · </span>');
  }

  function escaped(text) {
    const made = document.createElement("i");
    made.textContent = text;
    return made.innerHTML;
  }

  function show(from, to) {
    const length = Math.min(whole[1] - whole[0], Math.max(SHORTEST_S, to - from));
    const start = Math.min(Math.max(whole[0], from), whole[1] - length);
    for (const one of [main, load]) one.setScale("x", { min: start, max: start + length });
  }

  function zoom(factor, around) {
    const { min, max } = main.scales.x;
    const centre = around ?? (place === null ? (min + max) / 2 : Math.min(max, Math.max(min, times[place])));
    show(centre - (centre - min) * factor, centre + (max - centre) * factor);
  }

  function go(index) {
    const next = Math.min(times.length - 1, Math.max(0, index));
    const { min, max } = main.scales.x;
    if (times[next] < min || times[next] > max) show(times[next] - (max - min) / 2, times[next] + (max - min) / 2);
    place = next;
    // The scale is set at the end of this turn; the cursor after it.
    queueMicrotask(() => main.setCursor({ left: main.valToPos(times[next], "x"), top: main.valToPos(trace.rate_bpm[next] ?? low, "bpm") }));
  }

  // The session before, second by second under this one; fetched once, when it is asked for.
  let under = null;
  async function overlay() {
    const button = box.querySelector('[data-do="overlay"]');
    const on = button.getAttribute("aria-pressed") !== "true";
    if (on && under === null) {
      const answer = await fetch(box.dataset.before, { credentials: "same-origin" });
      if (!answer.ok) {
        button.disabled = true;
        button.textContent = labels.noOverlay;
        return;
      }
      const last = (await answer.json()).trace;
      const runs = last.t.map((t, index) => [t, last.doubtful[index] ? null : last.rate_bpm[index]]);
      under = times.map((t) => (t > last.length_s ? null : (runs[at(runs, t)]?.[1] ?? null)));
    }
    button.setAttribute("aria-pressed", String(on));
    key("overlay").hidden = !on;
    main.setData([times, sure, doubtful, trace.expected_bpm, on ? under : times.map(() => null)], false);
    main.redraw();
  }

  const tools = { in: () => zoom(0.5), out: () => zoom(2), whole: () => show(...whole), overlay };
  const bar = box.querySelector(".trace-tools");
  bar.hidden = false;
  bar.addEventListener("click", (event) => tools[event.target.closest("[data-do]")?.dataset.do]?.());

  // A row of the table looks closer at its interval; the interval under the line marks its row.
  const worked = trace.phases.filter((phase) => phase.kind === "interval");
  const rows = [...document.querySelectorAll("#intervals tbody tr")].slice(0, worked.length);
  rows.forEach((row, index) => {
    const cell = row.querySelector("th, td");
    const look = Object.assign(document.createElement("button"), { type: "button", className: "row-look no-print", textContent: cell.textContent });
    look.setAttribute("aria-label", `${labels.showInterval}: ${cell.textContent}`);
    look.addEventListener("click", () => {
      show(worked[index].start_s - 20, worked[index].end_s + 60);
      plotBox.scrollIntoView({ block: "center", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
    });
    cell.replaceChildren(look);
  });

  plotBox.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const far = event.shiftKey ? 30 : 5;
    const here = place ?? times.findIndex((t) => t >= main.scales.x.min);
    const keys = {
      ArrowLeft: () => go(here - far),
      ArrowRight: () => go(here + far),
      Home: () => go(0),
      End: () => go(times.length - 1),
      "+": tools.in,
      "-": tools.out,
      0: tools.whole,
      Escape: tools.whole,
    };
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });

  // One finger moves the line, two fingers look closer: what lies under each finger stays under it.
  let pinch = null;
  const over = main.over;
  const along = (touch) => touch.clientX - over.getBoundingClientRect().left;
  over.addEventListener("touchstart", (event) => {
    if (event.touches.length !== 2) return;
    pinch = [...event.touches].map((touch) => main.posToVal(along(touch), "x")).sort((a, b) => a - b);
  }, { passive: true });
  over.addEventListener("touchmove", (event) => {
    if (event.touches.length === 2 && pinch) {
      event.preventDefault();
      const [left, right] = [...event.touches].map(along).sort((a, b) => a - b);
      const perPixel = (pinch[1] - pinch[0]) / Math.max(20, right - left);
      show(pinch[0] - left * perPixel, pinch[0] + (over.clientWidth - left) * perPixel);
    } else if (event.touches.length === 1) {
      main.setCursor({ left: Math.min(over.clientWidth, Math.max(0, along(event.touches[0]))), top: 10 });
    }
  }, { passive: false });
  over.addEventListener("touchend", () => (pinch = null));

  new ResizeObserver(() => {
    main.setSize({ width: width(), height: height() });
    load.setSize({ width: width(), height: 120 });
  }).observe(plotBox);
  on_paper((paper) => {
    main.setSize({ width: paper ?? width(), height: height() });
    load.setSize({ width: paper ?? width(), height: 120 });
    for (const one of [main, load]) one.redraw(false);
  });
}

try {
  await document.fonts.ready;
  const [{ default: uPlot }, told] = await Promise.all([
    import(box.dataset.uplot),
    fetch(box.dataset.trace, { credentials: "same-origin" }).then((answer) => (answer.ok ? answer.json() : Promise.reject(answer.status))),
  ]);
  if (told.trace.t.length) draw(uPlot, told);
} catch (error) {
  line.textContent = labels.failed;
  line.classList.add("text-stop");
  console.error("trace", error);
}
