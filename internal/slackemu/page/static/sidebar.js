// The workspace's side: channels with their marks, direct messages, who acts,
// and the page's own switches.
import { h, icon, swap } from './dom.js';
import { menu } from './menu.js';
import { avatar } from './message.js';
import { state, userName } from './state.js';

// sidebar draws the side. opts: {openChannel(id), actAs(id), toggleText(), toggleTheme(), close()}.
export function sidebar(node, opts) {
  const all = [...state.channels.values()];
  const rooms = all.filter((c) => !c.is_im && !c.is_mpim).sort((a, b) => a.is_archived - b.is_archived || a.name.localeCompare(b.name));
  const talks = all.filter((c) => c.is_im && (c.members ?? []).includes(state.me));
  swap(node,
    h('div', { class: 'team' }, h('span', { class: 'team-name' }, state.team.name ?? 'Workspace'), h('button', { type: 'button', class: 'icon-btn drawer-close', 'aria-label': 'Close channel list', onclick: opts.close }, icon('close'))),
    h('nav', { class: 'rooms', 'aria-label': 'Channels and direct messages' },
      group('Channels', rooms.map((c) => room(c, channelIcon(c), c.name, opts))),
      talks.length > 0 && group('Direct messages', talks.map((c) => {
        const other = otherSide(c);
        return room(c, avatar({ name: userName(other), seed: other, app: state.users.get(other)?.is_bot }, true), userName(other), opts);
      }))),
    h('div', { class: 'side-foot' },
      toggle('ear', 'What a screen reader gets', state.asText, opts.toggleText),
      h('button', { type: 'button', class: 'side-btn', 'data-key': 'theme', onclick: opts.toggleTheme }, icon(dark() ? 'sun' : 'moon', 18), dark() ? 'Light theme' : 'Dark theme'),
      switcher(opts)));
}

const group = (name, items) => h('section', {}, h('h2', {}, name), h('ul', {}, items));

// otherSide is whom a direct message is with, seen by the acting user.
export const otherSide = (c) => (c.is_member ? state.app.bot_user_id : (c.members ?? []).find((id) => id !== state.me) ?? c.user);

// channelName is a channel's name as people see it.
export const channelName = (c) => (c.is_im ? userName(otherSide(c)) : `#${c.name}`);

// channelIcon tells public, private, archived and shared apart.
export function channelIcon(c) {
  if (c.is_archived) return icon('archive', 16);
  return icon(c.is_private ? 'lock' : 'hash', 16);
}

function room(c, mark, name, opts) {
  const unread = state.unread.get(c.id) ?? 0;
  const open = c.id === state.channel;
  const says = [c.is_private && !c.is_im && 'private', c.is_archived && 'archived', c.is_ext_shared && 'shared with another company', unread && `${unread} unread`].filter(Boolean);
  return h('li', {}, h('button', {
    type: 'button', class: ['room', open && 'open', unread && 'unread', c.is_archived && 'archived'].filter(Boolean).join(' '),
    'aria-current': open ? 'page' : null, 'data-key': `room:${c.id}`, onclick: () => opts.openChannel(c.id),
  }, mark, h('span', { class: 'room-name' }, name), says.length > 0 && h('span', { class: 'sr' }, `, ${says.join(', ')}`),
  c.is_ext_shared && h('span', { class: 'shared', title: 'Shared with another company' }, icon('shared', 16)), unread > 0 && h('span', { class: 'badge', 'aria-hidden': 'true' }, unread)));
}

const toggle = (mark, label, on, act) => h('button', { type: 'button', class: 'side-btn', 'aria-pressed': String(on), 'data-key': label, onclick: act }, icon(mark, 18), label);

function switcher(opts) {
  const me = { name: userName(state.me), seed: state.me };
  const button = h('button', { type: 'button', class: 'side-btn me', 'aria-haspopup': 'menu', 'data-key': 'me', title: 'Act as another user', onclick: () =>
    menu(button, 'Act as', [...state.users.values()].filter((u) => !u.is_bot && u.id !== 'USLACKBOT').map((u) => ({
      label: userName(u.id), detail: `@${u.name}`, checked: u.id === state.me, lead: avatar({ name: userName(u.id), seed: u.id }, true), act: () => opts.actAs(u.id),
    }))) }, avatar(me, true), h('span', { class: 'room-name' }, me.name), h('span', { class: 'sr' }, ': act as another user'), icon('caret', 16));
  return button;
}

// dark reports whether the page is drawn dark: the choice made here, else the system's.
export function dark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
}
