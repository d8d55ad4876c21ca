// A list of messages, kept in step with what the server has: unchanged messages
// keep their DOM, so open details, focus and scroll position survive.
import { h, icon, swap } from './dom.js';
import { message } from './message.js';
import { state } from './state.js';
import { dayName, sameDay } from './text.js';

const GROUP = 5 * 60; // seconds within which one author's messages share a head
const NEAR = 80; // pixels from the end that still count as "at the end"

// list makes a log of messages. opts: {label, inThread, openThread, intro()}.
export function list(opts) {
  const log = h('div', { class: 'log', role: 'log', 'aria-live': 'polite', 'aria-relevant': 'additions', 'aria-label': opts.label, tabindex: '0', onkeydown: walk, onscroll: () => {
    stuck = atEnd();
    if (stuck) jump.hidden = true;
  } });
  const jump = h('button', { type: 'button', class: 'jump', hidden: true, onclick: toEnd }, icon('caret', 16), 'New messages');
  const node = h('div', { class: 'log-box' }, log, jump);
  let drawn = new Map(); // key → {sign, el}
  let stuck = true; // the reader is at the end and wants to stay there
  log.addEventListener('load', () => stuck && toEnd(), true); // images take their room late

  return { node, log, draw, toEnd };

  // draw shows messages; newFrom is the ts after which they are new to the reader.
  function draw(messages, newFrom) {
    const stick = stuck;
    const last = log.querySelector('.message:last-of-type')?.dataset.ts;
    const next = new Map();
    const want = [];
    const put = (key, sign, make) => {
      const old = drawn.get(key);
      const item = old?.sign === sign ? old : old && key.startsWith('m') ? update(old, sign, make()) : { sign, el: make() };
      next.set(key, item);
      want.push(item.el);
    };
    if (opts.intro) put('intro', opts.intro.sign(), opts.intro.draw);
    let before;
    let marked = !newFrom;
    messages.forEach((m, i) => {
      const fresh = !marked && m.ts > newFrom && m.user !== state.me;
      if (!opts.inThread && (!before || !sameDay(before.ts, m.ts))) put(`day:${dayName(m.ts)}`, dayName(m.ts), () => divider(dayName(m.ts)));
      if (fresh) {
        marked = true;
        put('new', 'new', () => h('div', { class: 'new-line', role: 'separator' }, h('span', {}, 'New')));
      }
      const compact = !fresh && Boolean(before) && before.user === m.user && sameDay(before.ts, m.ts) && m.ts - before.ts < GROUP && !before.ephemeral_to === !m.ephemeral_to && before.subtype === m.subtype && !(opts.inThread && i === 1) && !m.blocks?.some((b) => b.type === 'header');
      const sign = JSON.stringify([{ ...m, versions: undefined }, compact, state.asText, state.me, opts.inThread || state.threadsSeen.get(`${m.channel}:${m.ts}`), state.users.size]);
      put(`m${m.ts}${m.ephemeral_to ?? ''}`, sign, () => message(m, { ...opts, compact }));
      if (opts.inThread && i === 0 && messages.length > 1) put('count', String(messages.length), () => h('div', { class: 'reply-count' }, h('span', {}, messages.length === 2 ? '1 reply' : `${messages.length - 1} replies`)));
      before = m;
    });
    arrange(want);
    drawn = next;
    if (stick) toEnd();
    else if (messages.length && last && messages.at(-1).ts > last) jump.hidden = false;
  }

  // update puts a message's new content into its element. An edit is not read
  // out: a plan edited every two seconds would never stop talking.
  function update(old, sign, made) {
    const el = old.el;
    el.setAttribute('aria-live', 'off');
    el.className = made.className;
    swap(el, ...made.childNodes);
    return { sign, el };
  }

  // arrange makes log's children exactly want, touching only what differs.
  function arrange(want) {
    const keep = new Set(want);
    for (const el of [...log.children]) if (!keep.has(el)) el.remove();
    want.forEach((el, i) => {
      if (log.children[i] !== el) log.insertBefore(el, log.children[i] ?? null);
    });
  }

  function atEnd() {
    return log.scrollHeight - log.scrollTop - log.clientHeight < NEAR;
  }

  function toEnd() {
    log.scrollTop = log.scrollHeight;
    jump.hidden = true;
  }

  // walk moves between messages with the arrow keys.
  function walk(e) {
    if (!['ArrowUp', 'ArrowDown'].includes(e.key) || (e.target !== log && !e.target.matches('.message'))) return;
    const all = [...log.querySelectorAll('.message')];
    const at = all.indexOf(e.target);
    const to = at < 0 ? all.length - 1 : at + (e.key === 'ArrowDown' ? 1 : -1);
    if (!all[to]) return;
    e.preventDefault();
    all[to].focus();
  }
}

const divider = (text) => h('div', { class: 'day', role: 'separator', 'aria-label': text }, h('span', {}, text));
