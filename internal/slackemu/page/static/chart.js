// data_visualization: line, area, bar and pie as inline SVG, with the numbers
// in a table for everyone who cannot or does not want to read the picture.
import { h, newID, remembered, svg } from './dom.js';

const W = 560;
const H = 260;
const PIE = 190; // height of a pie
const PLOT = { left: 56, right: W - 12, top: 12, bottom: H - 52 };

// chart draws a data_visualization block.
export function chart(block, ctx) {
  const c = block.chart ?? {};
  const title = newID();
  const draw = { pie, bar: axes, line: axes, area: axes }[c.type];
  if (!draw) return h('div', { class: 'unknown' }, `[chart “${c.type}” is not drawn here]`);
  const names = c.type === 'pie' ? c.segments.map((s) => s.label) : c.series.map((s) => s.name);
  const key = `${ctx.key}:${block.block_id}:numbers`;
  return h('figure', { class: 'chart' },
    h('figcaption', { id: title }, block.title),
    svg('svg', { viewBox: `0 0 ${W} ${c.type === 'pie' ? PIE : H}`, role: 'img', 'aria-labelledby': title }, draw(c)),
    h('ul', { class: 'legend', 'aria-hidden': 'true' }, names.map((name, i) => h('li', {}, h('span', { class: `key series-${i}` }), name))),
    h('details', { class: 'numbers', open: remembered.get(key), ontoggle: (e) => remembered.set(key, e.target.open) },
      h('summary', { 'data-key': key }, 'Show the numbers'), h('div', { class: 'scroller', tabindex: '0', role: 'group', 'aria-label': `Numbers of ${block.title}` }, numbers(c, block.title))));
}

function numbers(c, caption) {
  const pieces = c.type === 'pie';
  const head = pieces ? ['', 'Value'] : [c.axis_config.x_label ?? '', ...c.series.map((s) => s.name)];
  const rows = pieces ? c.segments.map((s) => [s.label, s.value]) : c.axis_config.categories.map((label) => [label, ...c.series.map((s) => point(s, label))]);
  return h('table', { class: 'table' },
    h('caption', { class: 'sr' }, caption),
    h('thead', {}, h('tr', {}, head.map((x) => h('th', { scope: 'col' }, x)))),
    h('tbody', {}, rows.map(([first, ...rest]) => h('tr', {}, h('th', { scope: 'row' }, first), rest.map((x) => h('td', { class: 'align-right' }, x ?? '–'))))));
}

const point = (series, label) => series.data.find((d) => d.label === label)?.value;

function axes(c) {
  const labels = c.axis_config.categories;
  const values = c.series.flatMap((s) => s.data.map((d) => d.value));
  const ticks = scale(Math.min(0, ...values), Math.max(0, ...values));
  const [low, high] = [ticks[0], ticks.at(-1)];
  const y = (v) => PLOT.bottom - ((v - low) / (high - low)) * (PLOT.bottom - PLOT.top);
  const step = (PLOT.right - PLOT.left) / labels.length;
  const x = (i) => PLOT.left + step * (i + 0.5);
  const every = Math.ceil((labels.length * Math.max(...labels.map((l) => l.length)) * 6.5 + 8 * labels.length) / (PLOT.right - PLOT.left));
  return [
    ticks.map((t) => [
      svg('line', { class: t === 0 ? 'axis' : 'grid', x1: PLOT.left, x2: PLOT.right, y1: y(t), y2: y(t) }),
      svg('text', { class: 'tick', x: PLOT.left - 8, y: y(t) + 4, 'text-anchor': 'end' }, short(t)),
    ]),
    labels.map((label, i) => i % every === 0 && svg('text', { class: 'tick', x: x(i), y: PLOT.bottom + 18, 'text-anchor': 'middle' }, label)),
    c.axis_config.x_label && svg('text', { class: 'axis-label', x: (PLOT.left + PLOT.right) / 2, y: H - 8, 'text-anchor': 'middle' }, c.axis_config.x_label),
    c.axis_config.y_label && svg('text', { class: 'axis-label', transform: `translate(13 ${(PLOT.top + PLOT.bottom) / 2}) rotate(-90)`, 'text-anchor': 'middle' }, c.axis_config.y_label),
    c.series.map((s, n) => (c.type === 'bar' ? bars(s, n) : curve(s, n))),
  ];

  function bars(s, n) {
    const width = Math.min(36, (step * 0.72) / c.series.length);
    return labels.map((label, i) => {
      const v = point(s, label) ?? 0;
      return svg('rect', { class: `fill-${n}`, x: x(i) + (n - c.series.length / 2) * width + 0.5, width: Math.max(1, width - 1), y: Math.min(y(v), y(0)), height: Math.abs(y(v) - y(0)), rx: Math.min(2, width / 4) }, tip(s.name, label, v));
    });
  }

  function curve(s, n) {
    const points = labels.map((label, i) => [x(i), y(point(s, label) ?? 0), label]);
    const line = points.map(([px, py]) => `${px},${py}`).join(' ');
    return [
      c.type === 'area' && svg('polygon', { class: `area fill-${n}`, points: `${points[0][0]},${y(0)} ${line} ${points.at(-1)[0]},${y(0)}` }),
      svg('polyline', { class: `line stroke-${n}`, points: line }),
      points.map(([px, py, label]) => svg('circle', { class: `fill-${n}`, cx: px, cy: py, r: 3 }, tip(s.name, label, point(s, label)))),
    ];
  }
}

function pie(c) {
  const sum = c.segments.reduce((total, s) => total + s.value, 0);
  const [cx, cy, r] = [W / 2, PIE / 2, PIE / 2 - 6];
  let turned = 0;
  return c.segments.map((s, n) => {
    const [from, to] = [turned, (turned += s.value / sum)];
    const share = tip(s.label, `${Math.round((100 * s.value) / sum)} %`, s.value);
    if (to - from > 0.9999) return svg('circle', { class: `fill-${n} slice`, cx, cy, r }, share);
    const at = (f) => `${cx + r * Math.sin(2 * Math.PI * f)} ${cy - r * Math.cos(2 * Math.PI * f)}`;
    return svg('path', { class: `fill-${n} slice`, d: `M${cx} ${cy}L${at(from)}A${r} ${r} 0 ${to - from > 0.5 ? 1 : 0} 1 ${at(to)}Z` }, share);
  });
}

const tip = (name, label, value) => svg('title', {}, `${name}, ${label}: ${value}`);

// scale gives about five round ticks that cover low..high.
function scale(low, high) {
  if (low === high) high = low + 1;
  const raw = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].find((m) => m * power >= raw) * power;
  const ticks = [];
  for (let t = Math.floor(low / step); t <= Math.ceil(high / step); t++) ticks.push(+(t * step).toPrecision(12));
  return ticks;
}

const short = (v) => new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 2 }).format(v);
