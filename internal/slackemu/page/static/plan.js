// plan and task_card: steps with their status in an icon and in words.
import { h, icon, remembered } from './dom.js';
import { richText } from './richtext.js';
import { link, plain } from './text.js';

const STATUS = {
  pending: { words: 'To do', mark: () => h('span', { class: 'ring' }) },
  in_progress: { words: 'In progress', mark: () => h('span', { class: 'spinner' }) },
  complete: { words: 'Done', mark: () => icon('check', 14) },
  error: { words: 'Problem', mark: () => icon('cross', 14) },
};

// plan draws all tasks with a line that counts the settled ones.
export function plan(block, ctx) {
  const tasks = block.tasks ?? [];
  const settled = tasks.filter((t) => t.status === 'complete' || t.status === 'error').length;
  const running = settled < tasks.length;
  const key = `${ctx.key}:plan`;
  return h('details', { class: 'plan', open: remembered.get(key) ?? true, ontoggle: remember(key) },
    h('summary', { 'data-key': key },
      h('span', { class: 'plan-title' }, running && h('span', { class: 'spinner', 'aria-hidden': 'true' }), plain(block.title)),
      h('span', { class: 'plan-count' }, `${settled} of ${tasks.length}`), icon('caret', 16)),
    h('ol', { class: 'tasks' }, tasks.map((t) => h('li', {}, task(t, ctx)))));
}

// taskCard draws a single top-level task.
export const taskCard = (block, ctx) => h('div', { class: 'plan lone' }, task(block, ctx));

function task(t, ctx) {
  const status = STATUS[t.status] ?? STATUS.pending;
  const key = `${ctx.key}:task:${t.task_id}`;
  const head = [
    h('span', { class: `mark mark-${t.status}`, 'aria-hidden': 'true' }, status.mark()),
    t.hide_title ? null : h('span', { class: 'task-title' }, plain(t.title)),
    h('span', { class: t.status === 'error' ? 'task-status problem' : 'task-status' }, status.words),
  ];
  const body = [
    t.details && h('div', { class: 'task-details' }, richText(t.details)),
    t.output && h('div', { class: 'task-output' }, richText(t.output)),
    t.sources?.length && h('ul', { class: 'sources', 'aria-label': 'Sources' }, t.sources.map((s) => h('li', {}, link(s.url, s.text || s.url)))),
  ].filter(Boolean);
  if (!body.length) return h('div', { class: `task task-${t.status}` }, h('div', { class: 'task-head' }, head));
  return h('details', { class: `task task-${t.status}`, open: remembered.get(key) ?? false, ontoggle: remember(key) },
    h('summary', { class: 'task-head', 'data-key': key }, head, icon('caret', 16)), body);
}

const remember = (key) => (event) => remembered.set(key, event.target.open);
