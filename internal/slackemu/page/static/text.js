// Text as Slack shows it: mrkdwn through slack-to-html, plain text, names,
// emoji, dates. The only place where a string becomes HTML is mrkdwn().
import { h } from './dom.js';
import { state } from './state.js';

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

// What slack-to-html emits; anything else would be a fault of the library.
const ALLOWED = new Set(['A', 'BR', 'CODE', 'DIV', 'SPAN', 'TIME']);

// mrkdwn renders Slack's mrkdwn. Escaped tokens (&lt;!here&gt;) stay text.
export function mrkdwn(text, verbatim) {
  const users = { '!here': 'here', '!channel': 'channel', '!everyone': 'everyone' };
  const named = {};
  for (const u of state.users.values()) users[u.id] = u.name;
  for (const [id, name] of Object.entries(users)) named['U' + id] = name;
  const channels = {};
  for (const c of state.channels.values()) channels[c.id] = c.name;
  // Live broadcasts are drawn as mentions, so that one that should not be there is seen.
  const live = (text ?? '')
    .replace(/<!(here|channel|everyone)(?:\|[^>]*)?>/g, '<@U!$1>')
    .replace(/<@(?!U!)([A-Z0-9]+)(?:\|[^>]*)?>/g, (all, id) => (users[id] ? `<@U${id}>` : all));
  const t = document.createElement('template');
  t.innerHTML = slackToHtml.escapeForSlackWithMarkdown(live, { users: named, channels, dateTimeZone: zone });
  for (const el of t.content.querySelectorAll('*')) if (!ALLOWED.has(el.tagName)) el.replaceWith(el.textContent);
  for (const el of t.content.querySelectorAll('.user-mention')) if (/^@(here|channel|everyone)$/.test(el.textContent)) el.classList.add('broadcast');
  for (const el of t.content.querySelectorAll('time')) el.title = fullDate(Date.parse(el.dateTime) / 1000);
  if (!verbatim) linkify(t.content);
  return h('span', { class: 'mrkdwn' }, t.content);
}

// linkify makes bare URLs clickable, as Slack does unless verbatim is set.
function linkify(root) {
  const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const found = [];
  while (texts.nextNode()) if (!texts.currentNode.parentElement?.closest('a, code')) found.push(texts.currentNode);
  for (const node of found) {
    const parts = node.data.split(/(https?:\/\/[^\s<>"'|]*[^\s<>"'|.,;:!?)\]])/);
    if (parts.length > 1) node.replaceWith(...parts.map((p, i) => (i % 2 ? link(p, p) : p)));
  }
}

// link makes an anchor for http, https, mailto and tel; anything else stays text.
export function link(url, ...label) {
  const content = label.length ? label : [url];
  if (!safeURL(url)) return h('span', { class: 'refused-link', title: 'This link was refused: only web and mail addresses open' }, content);
  return h('a', { href: url, target: '_blank', rel: 'noopener noreferrer' }, content);
}

// safeURL reports whether a link from a message may be opened.
export function safeURL(url) {
  try {
    return ['http:', 'https:', 'mailto:', 'tel:'].includes(new URL(url).protocol);
  } catch {
    return false;
  }
}

// plain renders a plain_text string: the three entities decoded, emoji drawn,
// no markup.
export function plain(text, emojis = true) {
  const decoded = decode(text ?? '');
  if (!emojis) return [decoded];
  return decoded.split(/(:[a-z0-9_+'-]+:)/).map((p, i) => (i % 2 ? emoji(p.slice(1, -1)) : p));
}

// decode undoes Slack's escaping of exactly &, < and >.
export const decode = (text) => text.replace(/&(amp|lt|gt);/g, (_, e) => ({ amp: '&', lt: '<', gt: '>' })[e]);

// textObject renders {type: plain_text | mrkdwn, text}.
export function textObject(t) {
  if (!t) return null;
  return t.type === 'mrkdwn' ? mrkdwn(t.text, t.verbatim) : h('span', { class: 'plain' }, plain(t.text, t.emoji !== false));
}

// emoji draws :name:, or leaves it as written where unknown.
export function emoji(name, unicode) {
  const hex = unicode ?? slackToHtml.emojiData[name.split('::')[0]];
  if (!hex || !/^[0-9a-f-]+$/i.test(hex)) return `:${name}:`;
  const glyph = String.fromCodePoint(...hex.split('-').map((x) => parseInt(x, 16)));
  return h('span', { class: 'emoji', role: 'img', 'aria-label': name.replaceAll('_', ' '), title: `:${name}:` }, glyph);
}

const seconds = (ts) => Number.parseFloat(ts);
const day = (t) => new Date(t * 1000).toDateString();

// clock is the time of a message: 14:05.
export const clock = (ts) => new Date(seconds(ts) * 1000).toLocaleTimeString([], { hour: 'numeric', minute: '2-digit' });

// fullDate is what hovering over a time shows.
export const fullDate = (t) => new Date(seconds(t) * 1000).toLocaleString([], { dateStyle: 'full', timeStyle: 'medium' });

// dayName is a day divider's text: Today, Yesterday or the date.
export function dayName(ts) {
  const t = seconds(ts);
  const now = Date.now() / 1000;
  if (day(t) === day(now)) return 'Today';
  if (day(t) === day(now - 86400)) return 'Yesterday';
  return new Date(t * 1000).toLocaleDateString([], { weekday: 'long', day: 'numeric', month: 'long', year: new Date(t * 1000).getFullYear() === new Date().getFullYear() ? undefined : 'numeric' });
}

// when is a thread's last reply: "today at 14:05".
export const when = (ts) => `${dayName(ts).replace(/^(Today|Yesterday)$/, (w) => w.toLowerCase())} at ${clock(ts)}`;

// sameDay reports whether two messages share a day divider.
export const sameDay = (a, b) => day(seconds(a)) === day(seconds(b));

// richDate formats rich_text dates with slack-to-html's tokens.
export function richDate(d) {
  const text = d.format ?? '{date_short_pretty} {time}';
  const fallback = d.fallback ?? new Date(d.timestamp * 1000).toISOString();
  return mrkdwn(`<!date^${Math.trunc(d.timestamp)}^${text.replace(/[<>^|]/g, '')}|${fallback.replace(/[<>^|]/g, '')}>`, true);
}
