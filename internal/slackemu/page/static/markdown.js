// Standard Markdown for the markdown block: headings, lists, quotes, fences,
// tables, emphasis, links. Builds DOM; HTML in the source stays text.
// https://docs.slack.dev/reference/block-kit/blocks/markdown-block
import { h } from './dom.js';
import { emoji, link } from './text.js';

// markdown renders a document.
export function markdown(text) {
  return h('div', { class: 'markdown' }, chunks(text.replaceAll('\r\n', '\n').split('\n')));
}

const ITEM = /^(\s*)([-*+]|\d+[.)])\s+(.*)$/;
const RULE = /^\s*([-*_])(\s*\1){2,}\s*$/;
const FENCE = /^\s*(```+|~~~+)\s*(\S*)/;
const CELLS = /^\s*\|(.+)\|\s*$/;

function chunks(lines) {
  const out = [];
  for (let i = 0; i < lines.length; ) {
    const line = lines[i];
    const fence = FENCE.exec(line);
    const head = /^(#{1,6})\s+(.*?)\s*#*$/.exec(line);
    const run = (test) => {
      const from = i;
      while (i < lines.length && test(lines[i])) i++;
      return lines.slice(from, i);
    };
    if (!line.trim()) i++;
    else if (fence) {
      i++;
      const code = run((l) => !l.trim().startsWith(fence[1]));
      i++;
      out.push(h('pre', { class: 'pre', tabindex: '0', 'data-language': fence[2] || null }, h('code', {}, code.join('\n'))));
    } else if (head) {
      i++;
      out.push(h('div', { class: `header level-${Math.min(4, head[1].length)}`, role: 'heading', 'aria-level': Math.min(6, head[1].length + 2) }, inline(head[2])));
    } else if (RULE.test(line)) {
      i++;
      out.push(h('hr', { class: 'divider' }));
    } else if (/^\s*>/.test(line)) {
      out.push(h('blockquote', { class: 'quote' }, chunks(run((l) => /^\s*>/.test(l)).map((l) => l.replace(/^\s*> ?/, '')))));
    } else if (CELLS.test(line) && /^[\s|:-]+$/.test(lines[i + 1] ?? '')) {
      out.push(grid(run((l) => CELLS.test(l))));
    } else if (ITEM.test(line)) {
      out.push(list(run((l) => ITEM.test(l) || /^\s+\S/.test(l))));
    } else {
      out.push(h('p', {}, inline(run((l) => l.trim() && !ITEM.test(l) && !FENCE.test(l) && !/^(#{1,6}\s|\s*>)/.test(l)).join('\n'))));
    }
  }
  return out;
}

function list(lines) {
  const [, indent, mark] = ITEM.exec(lines[0]);
  const items = [];
  for (const line of lines) {
    const m = ITEM.exec(line);
    if (m && m[1].length <= indent.length) items.push({ text: m[3], below: [] });
    else items.at(-1).below.push(line.slice(indent.length).replace(/^ {1,3}/, ''));
  }
  const ordered = /\d/.test(mark);
  return h(ordered ? 'ol' : 'ul', { class: 'rich-list', start: ordered ? parseInt(mark, 10) : null }, items.map((i) => h('li', {}, inline(i.text), chunks(i.below))));
}

function grid([head, , ...rows]) {
  const cells = (line) => CELLS.exec(line)[1].split('|').map((c) => inline(c.trim()));
  return h('div', { class: 'scroller', tabindex: '0', role: 'group', 'aria-label': 'Table' }, h('table', { class: 'table' },
    h('thead', {}, h('tr', {}, cells(head).map((c) => h('th', { scope: 'col' }, c)))),
    h('tbody', {}, rows.map((r) => h('tr', {}, cells(r).map((c) => h('td', {}, c)))))));
}

const SPANS = [
  [/`+([^`]+)`+/, (m) => h('code', { class: 'code' }, m[1])],
  [/!?\[([^\]]*)\]\(((?:[^()\s]|\([^()\s]*\))+)\)/, (m) => link(m[2], m[1] || m[2])],
  [/<(https?:[^>\s]+)>/, (m) => link(m[1], m[1])],
  [/https?:\/\/[^\s<>"']*[^\s<>"'.,;:!?)\]*_]/, (m) => link(m[0], m[0])],
  [/\*\*(.+?)\*\*|__(.+?)__/s, (m) => h('b', {}, inline(m[1] ?? m[2]))],
  [/~~(.+?)~~/s, (m) => h('s', {}, inline(m[1]))],
  [/(?<![\w*])\*([^*]+)\*|(?<!\w)_([^_]+)_(?!\w)/s, (m) => h('i', {}, inline(m[1] ?? m[2]))],
  [/:([a-z0-9_+-]+):/, (m) => emoji(m[1])],
];

// inline renders emphasis, code and links: the leftmost match first.
function inline(text) {
  let best;
  for (const [pattern, draw] of SPANS) {
    const m = pattern.exec(text);
    if (m && (!best || m.index < best.m.index)) best = { m, draw };
  }
  if (!best) return [text];
  const { m, draw } = best;
  return [text.slice(0, m.index), draw(m), ...inline(text.slice(m.index + m[0].length))];
}
