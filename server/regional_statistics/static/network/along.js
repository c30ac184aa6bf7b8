// Figures along the months: the middle half of the clinics as a band, the clinic in the middle, and the line on top.
// Each stands above its table; the server tells every word and value.

import { on_paper } from "../web/paper.js";

const all = document.querySelector(".along");

function key(kind, words) {
  const one = document.createElement("span");
  one.className = `key key-${kind}`;
  one.textContent = words;
  return one;
}

function draw(uPlot, told, figure, numbers) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const face = '12px "Inter", system-ui, sans-serif';
  const box = figure.querySelector(".plot-box");
  const words = figure.querySelector(".plot-words");
  const plain = words.textContent;
  const has = (name) => told[name].some((value) => value !== null);
  const band = has("low");

  const known = [...told.line, ...told.middle, ...told.low, ...told.high].filter((value) => value !== null);
  if (!known.length) return;
  const most = Math.max(...known);
  const high = told.most === null ? (most > 0 ? most * 1.12 : 1) : told.most;
  const text = (value) => numbers.format(Number(value.toFixed(told.decimals)));
  const x = told.line.map((_value, at) => at);
  const legend = figure.querySelector(".legend");
  legend.append(key("line", told.words.line));
  if (band) legend.append(key("middle", told.words.middle), key("half", told.words.half));
  legend.hidden = false;

  const axis = { stroke: () => colour("--text-faint"), font: face, ticks: { show: false }, grid: { stroke: () => colour("--line"), width: 1 } };
  const unseen = { stroke: "transparent", width: 0, points: { show: false } };
  const alone = (series) => series.some((value, at) => value !== null && (series[at - 1] ?? null) === null && (series[at + 1] ?? null) === null);
  const every = told.months.length > 24 ? 6 : told.months.length > 12 ? 3 : 2;
  const size = () => ({ width: Math.max(220, box.clientWidth), height: 210 });
  const plot = new uPlot(
    {
      ...size(),
      padding: [10, 12, 0, 0],
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, y: false, points: { size: 9 } },
      scales: { x: { time: false, range: [-0.5, x.length - 0.5] }, y: { range: [0, high] } },
      axes: [
        {
          ...axis,
          size: 34,
          grid: { show: false },
          splits: () => x.filter((at) => (x.length - 1 - at) % every === 0),
          values: (_u, at) => at.map((place) => (told.years[place] !== told.years[place - every] ? `${told.months[place]}\n${told.years[place]}` : told.months[place])),
        },
        { ...axis, size: 48, space: 36, values: (_u, at) => at.map((value) => (told.most === null ? text(value) : `${text(value)} %`)) },
      ],
      bands: band ? [{ series: [2, 1], fill: () => colour("--below-soft") }] : [],
      series: [
        {},
        unseen,
        unseen,
        { stroke: () => colour("--text-soft"), width: 1.5, dash: [6, 5], points: { show: false } },
        { stroke: () => colour("--in"), width: 2.5, points: { show: alone(told.line), size: 7, fill: () => colour("--surface"), stroke: () => colour("--in"), width: 2 } },
      ],
      hooks: {
        setCursor: [
          (u) => {
            const at = u.cursor.idx;
            const value = at === null || at === undefined ? null : told.line[at];
            if (value === null) {
              words.textContent = at === null || at === undefined ? plain : `${told.names[at]}: –`;
              return;
            }
            const middle = told.middle[at] === null ? "" : ` · ${told.words.middle}: ${text(told.middle[at])} ${told.unit}`;
            words.textContent = `${told.names[at]}: ${text(value)} ${told.unit}${middle}`;
          },
        ],
      },
    },
    [x, told.low, told.high, told.middle, told.line],
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
