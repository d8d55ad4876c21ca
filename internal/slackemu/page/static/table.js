// table and data_table.
import { h, remembered, swap } from './dom.js';
import { button } from './elements.js';
import { richText } from './richtext.js';

const PAGE_SIZE = 5; // data_table's own default, https://docs.slack.dev/reference/block-kit/blocks/data-table-block

// table draws a table block; the first row is its head.
export function table(block) {
  const align = (column) => block.column_settings?.[column] ?? {};
  const draw = (tag) => (c, column) => {
    const { align: side, is_wrapped: wrapped } = align(column);
    return h(tag, { scope: tag === 'th' ? 'col' : null, class: [`align-${side || 'left'}`, wrapped ? 'wrapped' : 'nowrap'].join(' ') }, cell(c));
  };
  const [head, ...rows] = block.rows ?? [];
  return scroller('Table', h('table', { class: 'table' },
    h('thead', {}, h('tr', {}, (head ?? []).map(draw('th')))),
    h('tbody', {}, rows.map((row) => h('tr', {}, row.map(draw('td')))))));
}

// dataTable draws a data_table with its pages and sortable numbers.
export function dataTable(block, ctx) {
  const key = `${ctx.key}:${block.block_id}`;
  const view = remembered.get(key) ?? { page: 0, sort: -1, down: false };
  remembered.set(key, view);
  const size = block.page_size || PAGE_SIZE;
  const [head, ...rows] = block.rows ?? [];
  const header = block.row_header_column_index ?? 0;
  const pages = Math.max(1, Math.ceil(rows.length / size));
  const box = h('div', { class: 'data-table' });
  draw();
  return box;

  function draw() {
    view.page = Math.min(view.page, pages - 1);
    const order = view.sort < 0 ? rows : [...rows].sort((a, b) => (view.down ? -1 : 1) * compare(a[view.sort], b[view.sort]));
    const shown = order.slice(view.page * size, (view.page + 1) * size);
    swap(box,
      scroller(block.caption, h('table', { class: 'table' },
        h('caption', {}, block.caption),
        h('thead', {}, h('tr', {}, (head ?? []).map(columnHead))),
        h('tbody', {}, shown.map((row) => h('tr', {}, row.map((c, i) =>
          h(i === header ? 'th' : 'td', { scope: i === header ? 'row' : null, class: c.type === 'raw_number' ? 'align-right wrapped' : 'align-left wrapped' }, cell(c, ctx, block.block_id)))))))),
      pages > 1 && h('div', { class: 'pager' },
        h('span', { 'aria-live': 'polite' }, `${view.page * size + 1}–${Math.min(rows.length, (view.page + 1) * size)} of ${rows.length}`),
        turn('Previous', -1, view.page === 0),
        turn('Next', 1, view.page === pages - 1)));
  }

  function columnHead(c, i) {
    const sorted = view.sort === i;
    const arrow = sorted ? (view.down ? ' ↓' : ' ↑') : '';
    return h('th', { scope: 'col', class: rows[0]?.[i]?.type === 'raw_number' ? 'align-right' : null, 'aria-sort': sorted ? (view.down ? 'descending' : 'ascending') : 'none' },
      h('button', { type: 'button', class: 'sort', 'data-key': `${key}:sort${i}`, onclick: () => {
        view.down = sorted && !view.down;
        view.sort = i;
        draw();
      } }, cell(c), arrow));
  }

  function turn(label, by, disabled) {
    return h('button', { type: 'button', class: 'btn small', disabled, 'data-key': `${key}:${label}`, onclick: () => {
      view.page += by;
      draw();
    } }, label);
  }
}

function cell(c, ctx, blockID) {
  switch (c?.type) {
    case 'raw_text':
      return c.text;
    case 'raw_number':
      return c.text || String(c.value);
    case 'rich_text':
      return richText(c);
    case 'action_cell':
      return ctx ? button(c.element, blockID, ctx) : c.element?.text?.text;
    default:
      return h('span', { class: 'unknown' }, `[cell “${c?.type}” is not drawn here]`);
  }
}

function compare(a, b) {
  const value = (c) => c?.value ?? c?.text ?? '';
  const [x, y] = [value(a), value(b)];
  return typeof x === 'number' && typeof y === 'number' ? x - y : String(x).localeCompare(String(y), undefined, { numeric: true });
}

// scroller lets a wide table scroll inside its message, by keyboard too.
const scroller = (label, ...children) => h('div', { class: 'scroller', tabindex: '0', role: 'group', 'aria-label': label }, children);
