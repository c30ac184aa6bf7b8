// The plots of a course. Each stands beside its table; the server tells every word and value.

import { on_paper } from "../web/paper.js";

const all = document.querySelector(".plots");

function draw(uPlot, told, figure, numbers) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const face = '12px "Inter", system-ui, sans-serif';
  const box = figure.querySelector(".plot-box");
  const words = document.createElement("p");
  words.className = "plot-words hint";
  words.textContent = "\u00a0";
  box.before(words);

  const known = told.y.filter((value) => value !== null);
  let low = told.y_low ?? Math.min(...known);
  let high = told.y_high ?? Math.max(...known, told.level ?? -Infinity);
  if (told.y_low === null) low -= Math.max(2, (high - low) * 0.15);
  if (told.y_high === null) high += Math.max(2, (high - low) * 0.15);
  const points = told.kind === "points";
  const first = told.x[0];
  const last = told.x[told.x.length - 1];
  const margin = points ? Math.max(1, (last - first) * 0.08) : 0.7;

  const axis = { stroke: () => colour("--text-faint"), font: face, ticks: { show: false }, grid: { stroke: () => colour("--line"), width: 1 } };
  const text = (value, decimals) => numbers.format(Number(value.toFixed(decimals)));
  const mark = { show: true, size: 8, width: 2, stroke: () => colour("--in") };
  const kinds = {
    bars: [{ stroke: () => colour("--in"), fill: () => colour("--in"), width: 0, paths: uPlot.paths.bars({ size: [0.6, 36], radius: 0.15 }), points: { show: false } }],
    line: [{ stroke: () => colour("--in"), width: 1.5, spanGaps: true, points: { ...mark, fill: () => colour("--surface") } }],
    points: [
      { paths: () => null, points: { ...mark, fill: () => colour("--surface") } },
      { paths: () => null, points: { ...mark, fill: () => colour("--in") } },
    ],
  };
  const series = kinds[told.kind];
  const data = points
    ? [told.x, told.y.map((value, at) => (told.later[at] ? null : value)), told.y.map((value, at) => (told.later[at] ? value : null))]
    : [told.x, told.y];

  const size = () => ({ width: Math.max(220, box.clientWidth), height: 210 });
  const plot = new uPlot(
    {
      ...size(),
      padding: [10, 12, 0, 0],
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, y: false, points: { size: 11 } },
      scales: { x: { time: false, range: [first - margin, last + margin] }, y: { range: [low, high] } },
      axes: [
        { ...axis, label: told.x_title, labelFont: face, labelSize: 20, size: 26, space: 36, grid: { show: false }, incrs: points ? undefined : [1, 2, 3, 4, 6, 8, 12, 24], values: (_u, at) => at.map((value) => text(value, 1)) },
        { ...axis, label: told.y_title, labelFont: face, labelSize: 18, size: 40, space: 30, incrs: told.decimals ? undefined : [1, 2, 4, 5, 10, 20, 50], values: (_u, at) => at.map((value) => text(value, 1)) },
      ],
      series: [{}, ...series],
      hooks: {
        drawAxes: [
          (u) => {
            if (told.level === null) return;
            const ratio = devicePixelRatio || 1;
            const y = u.valToPos(told.level, "y", true);
            u.ctx.save();
            u.ctx.strokeStyle = colour("--text-soft");
            u.ctx.lineWidth = 1.5 * ratio;
            u.ctx.setLineDash([6 * ratio, 5 * ratio]);
            u.ctx.beginPath();
            u.ctx.moveTo(u.bbox.left, y);
            u.ctx.lineTo(u.bbox.left + u.bbox.width, y);
            u.ctx.stroke();
            u.ctx.restore();
          },
        ],
        setCursor: [
          (u) => {
            const at = u.cursor.idx;
            const value = at === null || at === undefined ? null : told.y[at];
            words.textContent = value === null ? "\u00a0" : `${told.marks[at]}: ${text(value, told.decimals)}`;
          },
        ],
      },
    },
    data,
    box,
  );
  new ResizeObserver(() => plot.setSize(size())).observe(box);
  on_paper((paper) => {
    plot.setSize({ ...size(), width: Math.min(paper ?? Infinity, size().width) });
    plot.redraw(false);
  });
}

if (all) {
  const told = JSON.parse(document.getElementById(all.dataset.plots).textContent);
  const numbers = new Intl.NumberFormat(all.dataset.language === "nb" ? "nb-NO" : "en-GB");
  await document.fonts.ready;
  const { default: uPlot } = await import(all.dataset.uplot);
  for (const one of told) draw(uPlot, one, all.querySelector(`[data-plot="${one.key}"]`), numbers);
}
