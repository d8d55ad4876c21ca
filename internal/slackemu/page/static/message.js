// One message: avatar, name, time, body, files, reactions, the thread's bar.
import { Refused, post } from './api.js';
import { blocks, preview } from './blocks.js';
import { h, icon, remembered } from './dom.js';
import { menu } from './menu.js';
import { suggest } from './modal.js';
import { state, userName } from './state.js';
import { clock, decode, emoji, fullDate, mrkdwn, when } from './text.js';
import { toast } from './toast.js';

const DEFAULT_SHORTCUT = { callback_id: 'why_expired', name: 'Why did this expire?' };
const QUICK = ['eyes', 'white_check_mark', 'raised_hands'];

// message draws a message; opts: {compact, inThread, openThread}.
export function message(m, opts) {
  const ctx = contextOf(m);
  const author = authorOf(m);
  const article = h('article', {
    class: ['message', opts.compact && 'compact', m.ephemeral_to && 'ephemeral', m.subtype === 'tombstone' && 'tombstone'].filter(Boolean).join(' '),
    'data-ts': m.ts, tabindex: '-1', 'aria-label': `${author.name}, ${clock(m.ts)}`,
  },
  h('div', { class: 'gutter' }, opts.compact ? time(m, 'gutter-time') : avatar(author)),
  h('div', { class: 'message-main' },
    m.ephemeral_to && h('div', { class: 'only-you' }, icon('eye', 14), 'Only visible to you'),
    !opts.compact && h('div', { class: 'message-head' }, h('span', { class: 'author' }, author.name), author.app && h('span', { class: 'app-badge' }, 'App'), time(m, 'time')),
    state.asText ? spoken(m) : body(m, ctx),
    reactions(m),
    !opts.inThread && m.reply_count > 0 && threadBar(m, opts)),
  tools(m, opts));
  return article;
}

// body is what the message says: its blocks, or its text where it has none.
function body(m, ctx) {
  if (m.subtype === 'tombstone') return h('div', { class: 'muted' }, 'This message was deleted.');
  const edited = m.edited && h('span', { class: 'edited', title: `Edited ${fullDate(m.edited.ts)}` }, ' (edited)');
  return [
    m.blocks?.length ? [blocks(m.blocks, ctx), edited] : m.text && h('div', { class: 'text' }, mrkdwn(m.text), edited),
    (m.attachments ?? []).map((a) => attachment(a, ctx)),
    m.files?.length && h('div', { class: 'files' }, m.files.map((f) => file(f, ctx))),
  ];
}

function spoken(m) {
  return h('div', { class: 'spoken' }, h('div', { class: 'spoken-label' }, icon('ear', 14), 'What a screen reader gets'),
    m.text ? h('div', { class: 'text' }, mrkdwn(m.text)) : h('div', { class: 'problem' }, 'Nothing: this message has no text'));
}

function contextOf(m) {
  const where = { channel: m.channel || state.channel, ts: m.ts };
  return {
    key: `${where.channel}:${m.ts}`,
    act: (element, block_id, value, node) => press(where, element, block_id, value, node),
    suggest: (element, block_id, query) => suggest(where, element, block_id, query),
  };
}

// press tells the app about a click and shows that it is under way.
async function press(where, element, block_id, value, node) {
  node?.setAttribute('aria-busy', 'true');
  try {
    const delivery = await post('/_emu/click', { user: state.me, action_id: element.action_id, block_id, value, ...where });
    if (delivery.error) toast(`${state.app.name ?? 'The app'} did not respond (${delivery.error}). Try again?`);
  } catch (err) {
    toast(err.message);
  } finally {
    node?.removeAttribute('aria-busy');
  }
}

function authorOf(m) {
  const user = state.users.get(m.user);
  const name = m.username || m.bot_profile?.name || userName(m.user);
  return { name, app: Boolean(m.bot_id || m.bot_profile || user?.is_bot), seed: m.user || name };
}

// avatar is drawn from initials; its colour from the id.
export function avatar({ name, seed, app }, small) {
  const letters = name.split(/[\s._-]+/).filter(Boolean).map((w) => w[0]).slice(0, 2).join('').toUpperCase();
  const hue = [...String(seed)].reduce((sum, c) => (sum * 31 + c.codePointAt(0)) % 9, 7);
  return h('span', { class: `avatar hue-${hue}${app ? ' app' : ''}${small ? ' small' : ''}`, 'aria-hidden': 'true' }, app ? icon('incident', small ? 14 : 22) : letters);
}

const time = (m, className) => h('time', { class: className, datetime: new Date(parseFloat(m.ts) * 1000).toISOString(), title: fullDate(m.ts) }, clock(m.ts));

function attachment(a, ctx) {
  const box = h('div', { class: 'attachment' },
    a.pretext && h('div', {}, mrkdwn(a.pretext)),
    a.title && h('div', { class: 'card-title' }, mrkdwn(a.title)),
    a.blocks?.length ? blocks(a.blocks, ctx) : h('div', { class: 'text' }, mrkdwn(a.text ?? a.fallback)));
  if (/^#?[0-9a-f]{6}$/i.test(a.color ?? '')) box.style.borderColor = `#${a.color.replace('#', '')}`;
  return box;
}

const SIZES = ['B', 'KB', 'MB'];

function file(f, ctx) {
  const src = `/_emu/files/${encodeURIComponent(f.id)}`;
  const name = f.title || f.name;
  const power = Math.min(2, Math.floor(Math.log(Math.max(1, f.size)) / Math.log(1024)));
  const size = `${Math.round(f.size / 1024 ** power)} ${SIZES[power]}`;
  const download = h('a', { class: 'btn quiet', href: src, download: f.name }, icon('download', 16), h('span', { class: 'sr' }, `Download ${name}`));
  if (f.mimetype?.startsWith('image/')) {
    return h('figure', { class: 'file-image' }, h('figcaption', {}, name, h('span', { class: 'muted' }, ` ${size}`), download), preview(src, f.alt_txt || name, f.name));
  }
  const chip = h('div', { class: 'file' }, h('span', { class: 'file-icon' }, icon('file')), h('div', { class: 'file-name' }, h('b', {}, name), h('span', { class: 'muted' }, `${f.pretty_type || f.mimetype || 'File'} · ${size}`)), download);
  if (!/^text\/|json|markdown/.test(f.mimetype ?? '')) return chip;
  const key = `${ctx.key}:file:${f.id}`;
  const text = h('pre', { class: 'pre', tabindex: '0' });
  const box = h('details', { class: 'file-text', open: remembered.get(key), ontoggle: async () => {
    remembered.set(key, box.open);
    if (box.open && !text.textContent) text.textContent = await fetch(src).then((r) => r.text());
  } }, h('summary', { 'data-key': key }, 'Preview'), text);
  return h('div', {}, chip, box);
}

function reactions(m) {
  if (!m.reactions?.length) return null;
  return h('div', { class: 'reactions' }, m.reactions.map((r) => {
    const mine = r.users.includes(state.me);
    return h('button', { type: 'button', class: mine ? 'reaction mine' : 'reaction', 'aria-pressed': String(mine), 'data-key': `${m.ts}:${r.name}`, title: `${r.users.map(userName).join(', ')} reacted with :${r.name}:`, onclick: () => react(m, r.name, mine) }, emoji(r.name), h('span', {}, r.count));
  }));
}

async function react(m, name, remove) {
  await post('/_emu/react', { user: state.me, channel: m.channel || state.channel, ts: m.ts, name, remove }).catch((err) => toast(err.message));
}

function threadBar(m, { openThread, inThread }) {
  if (inThread) return null;
  const seen = state.threadsSeen.get(`${state.channel}:${m.ts}`) ?? '';
  const fresh = m.latest_reply > seen;
  const words = `${m.reply_count} ${m.reply_count === 1 ? 'reply' : 'replies'}`;
  return h('button', { type: 'button', class: fresh ? 'thread-bar unread' : 'thread-bar', 'data-key': `${m.ts}:thread`, onclick: () => openThread(m.ts) },
    (m.reply_users ?? []).slice(0, 3).map((id) => avatar({ name: userName(id), seed: id, app: state.users.get(id)?.is_bot }, true)),
    h('span', { class: 'thread-count' }, words), fresh && h('span', { class: 'dot' }, h('span', { class: 'sr' }, 'unread')),
    h('span', { class: 'thread-last' }, `Last reply ${when(m.latest_reply)}`), h('span', { class: 'thread-view', 'aria-hidden': 'true' }, 'View thread'));
}

function tools(m, { openThread, inThread }) {
  if (m.subtype === 'tombstone') return null;
  const more = h('button', { type: 'button', class: 'icon-btn', 'aria-label': 'More actions', 'aria-haspopup': 'menu', 'data-key': `${m.ts}:more`, onclick: () => menu(more, 'Message actions', moreItems(m, openThread)) }, icon('more', 18));
  if (m.ephemeral_to) return null;
  return h('div', { class: 'tools', role: 'toolbar', 'aria-label': 'Message tools' },
    QUICK.map((name) => h('button', { type: 'button', class: 'icon-btn quick', 'aria-label': `React with ${name.replaceAll('_', ' ')}`, onclick: () => react(m, name, m.reactions?.some((r) => r.name === name && r.users.includes(state.me)) ?? false) }, emoji(name))),
    !inThread && h('button', { type: 'button', class: 'icon-btn', 'aria-label': 'Reply in thread', title: 'Reply in thread', 'data-key': `${m.ts}:reply`, onclick: () => openThread(m.thread_ts ?? m.ts) }, icon('thread', 18)),
    more);
}

function moreItems(m, openThread) {
  const shortcuts = state.app.shortcuts?.length ? state.app.shortcuts : [DEFAULT_SHORTCUT];
  return [
    ...shortcuts.map((s) => ({ label: s.name, detail: state.app.name, lead: icon('bolt', 18), act: () => useShortcut(m, s) })),
    null,
    { label: 'Open thread', lead: icon('thread', 18), act: () => openThread(m.thread_ts ?? m.ts) },
    { label: 'Copy text', lead: icon('file', 18), act: () => navigator.clipboard.writeText(decode(m.text ?? '')).then(() => toast('Text copied'), () => toast('The browser did not allow copying')) },
    m.user === state.me && { label: 'Delete message', danger: true, lead: icon('close', 18), act: () => post('/_emu/delete', { channel: m.channel || state.channel, ts: m.ts }).catch((err) => toast(err.message)) },
  ].filter((i) => i !== false);
}

async function useShortcut(m, s) {
  try {
    const delivery = await post('/_emu/shortcut', { user: state.me, channel: m.channel || state.channel, ts: m.ts, callback_id: s.callback_id });
    if (delivery.error) toast(`“${s.name}” did not work: ${state.app.name} did not respond (${delivery.error}).`);
  } catch (err) {
    toast(err instanceof Refused ? err.message : String(err));
  }
}
