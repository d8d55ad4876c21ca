// The page: reads the workspace, shows the open channel and thread, and follows
// the stream. A change is a reason to read again what is on screen.
import { get, stream } from './api.js';
import { composer } from './composer.js';
import { h, icon, swap } from './dom.js';
import { list } from './list.js';
import { readViews } from './modal.js';
import { channelIcon, channelName, dark, sidebar } from './sidebar.js';
import { state } from './state.js';
import { toast } from './toast.js';
import { mrkdwn, plain } from './text.js';
import { examples, incidentMenu, loadIncidents, welcome, welcomeSign } from './welcome.js';

const PAUSE = 80; // ms in which changes are gathered before reading again
const NARROW = '(max-width: 760px)';

const $ = (id) => document.getElementById(id);
const lastSeen = new Map(); // channel id → ts of the newest message looked at
let newFrom = ''; // ts after which messages of the open channel are new
let threadNewFrom = '';

const here = () => state.channels.get(state.channel);
const fill = (text) => main.fill(text);

const log = list({ label: 'Messages', openThread, intro: {
  sign: () => JSON.stringify([state.channel, here()?.topic, welcomeSign()]),
  draw: intro,
} });
const threadLog = list({ label: 'Thread', inThread: true, openThread });
const main = composer({ label: () => `Message ${channelName(here())}`, thread: () => '', examples, sent: () => log.toEnd() });
const reply = composer({ label: () => 'Reply…', thread: () => state.thread, examples: () => [], sent: () => threadLog.toEnd() });

start();

async function start() {
  theme(localStorage.getItem('theme'));
  $('log').append(log.node);
  $('composer').append(main.node);
  $('thread-log').append(threadLog.node);
  $('thread-composer').append(reply.node);
  $('thread-close').onclick = closeThread;
  $('open-side').onclick = () => drawer(true);
  $('scrim').onclick = () => drawer(false);
  document.addEventListener('keydown', (e) => {
    if (e.key !== 'Escape' || e.defaultPrevented || document.querySelector('dialog[open], :popover-open')) return;
    if (document.body.classList.contains('side-open')) drawer(false);
    else if (state.thread) closeThread();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', side);
  await retry(async () => {
    await readWorkspace();
    await loadIncidents();
  });
  const hash = location.hash.slice(1).split('/');
  const first = [...state.channels.values()].find((c) => c.is_member && !c.is_private && !c.is_archived && !c.is_ext_shared && !c.is_im);
  await openChannel(state.channels.has(hash[0]) ? hash[0] : (first ?? [...state.channels.values()][0]).id);
  if (hash[1]) openThread(hash[1]);
  stream(follow, connected);
  main.input.focus();
}

async function retry(what) {
  for (;;) {
    try {
      return await what();
    } catch {
      connected(false);
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}

async function readWorkspace() {
  const ws = await get('/_emu/workspace');
  state.team = ws.team;
  state.app = ws.app;
  state.users = new Map(ws.users.map((u) => [u.id, u]));
  state.channels = new Map(ws.channels.map((c) => [c.id, c]));
  const people = ws.users.filter((u) => !u.is_bot && u.id !== 'USLACKBOT');
  if (!people.some((u) => u.id === state.me)) state.me = people.find((u) => u.id === sessionStorage.getItem('me'))?.id ?? people[0]?.id ?? '';
}

// follow takes one change of the stream.
function follow(e) {
  if (e.user && e.user !== state.me) return;
  switch (e.type) {
    case 'message':
    case 'message_changed':
    case 'message_deleted':
    case 'status':
      if (e.channel === state.channel) again(readMessages);
      else if (e.type === 'message' && (!e.thread_ts || e.thread_ts === e.ts) && state.channels.has(e.channel)) {
        state.unread.set(e.channel, (state.unread.get(e.channel) ?? 0) + 1);
        side();
      }
      break;
    case 'view_opened':
    case 'view_changed':
    case 'view_closed':
      again(readViews);
      break;
    case 'channel':
      again(async () => {
        await readWorkspace();
        frame();
      });
      break;
    case 'socket':
      $('offline').hidden = e.connections > 0;
      break;
    case 'resync':
      connected(true);
  }
}

// connected follows the stream's coming and going. After a gap everything is
// read again.
function connected(on) {
  $('lost').hidden = on;
  if (!on) return;
  again(async () => {
    await readWorkspace();
    frame();
  });
  again(readMessages);
  again(readViews);
  get('/_emu/sockets').then((s) => ($('offline').hidden = s.connections.some((c) => c.open)), () => {});
}

const waiting = new Map(); // read → "once" while it waits or runs, "more" when it has to run again

// again runs a read soon, once for many changes, never twice at a time.
function again(read) {
  if (waiting.has(read)) return waiting.set(read, 'more');
  waiting.set(read, 'once');
  setTimeout(async () => {
    waiting.set(read, 'once');
    await read().catch((err) => console.warn('reading again:', err.message));
    const more = waiting.get(read) === 'more';
    waiting.delete(read);
    if (more) again(read);
  }, PAUSE);
}

async function readMessages() {
  const { channel, thread, me } = state;
  const [all, replies] = await Promise.all([
    get('/_emu/messages', { channel, user: me }),
    thread ? get('/_emu/messages', { channel, thread_ts: thread, user: me }) : { messages: [], statuses: [] },
  ]);
  if (channel !== state.channel || thread !== state.thread || me !== state.me) return again(readMessages);
  const first = !lastSeen.has(channel);
  state.messages = all.messages;
  state.replies = replies.messages;
  // What was there before the page opened counts as read.
  if (first) for (const m of all.messages) if (m.latest_reply) state.threadsSeen.set(`${channel}:${m.ts}`, m.latest_reply);
  lastSeen.set(channel, all.messages.at(-1)?.ts ?? '0');
  if (thread && replies.messages.length) state.threadsSeen.set(`${channel}:${thread}`, replies.messages.at(-1).ts);
  log.draw(state.messages, newFrom);
  if (thread) threadLog.draw(state.replies, threadNewFrom);
  status((replies.statuses ?? []).filter((s) => s.thread_ts === thread && s.status));
}

// status shows what the app says it is doing in the thread.
function status(found) {
  swap($('thread-status'), found.map((s) => h('div', { class: 'typing' }, h('span', { class: 'spinner', 'aria-hidden': 'true' }), h('span', {}, h('b', {}, state.app.name), ' ', s.status))));
}

async function openChannel(id) {
  const old = state.channel;
  if (old && old !== id) closeThread();
  newFrom = lastSeen.get(id) && state.unread.get(id) ? lastSeen.get(id) : '';
  state.channel = id;
  state.unread.delete(id);
  history.replaceState(null, '', `#${id}`);
  drawer(false);
  frame();
  await readMessages().catch((err) => toast(err.message));
  log.toEnd();
  if (old !== id && !matchMedia(NARROW).matches) main.input.focus();
}

async function openThread(ts) {
  const key = `${state.channel}:${ts}`;
  const seen = state.threadsSeen.get(key);
  const parent = state.messages.find((m) => m.ts === ts);
  threadNewFrom = seen && parent?.latest_reply > seen ? seen : '';
  state.thread = ts;
  history.replaceState(null, '', `#${state.channel}/${ts}`);
  document.body.classList.add('thread-open');
  $('thread').hidden = false;
  swap($('thread-where'), channelName(here()));
  reply.moveTo(key);
  await readMessages().catch((err) => toast(err.message));
  threadLog.toEnd();
  if (!matchMedia(NARROW).matches) reply.input.focus();
  else $('thread-close').focus();
}

function closeThread() {
  const { thread } = state;
  if (!thread) return;
  state.thread = '';
  state.replies = [];
  history.replaceState(null, '', `#${state.channel}`);
  document.body.classList.remove('thread-open');
  $('thread').hidden = true;
  (log.log.querySelector(`[data-key="${CSS.escape(`${thread}:thread`)}"]`) ?? main.input).focus();
}

// frame draws all that stands around the messages.
function frame() {
  const c = here();
  if (!c) return;
  document.title = `${channelName(c)} – ${state.team.name ?? 'Local Slack'}`;
  side();
  swap($('channel-name'), c.is_im ? null : channelIcon(c), h('span', {}, c.is_im ? channelName(c) : c.name));
  swap($('channel-marks'),
    c.is_archived && h('span', { class: 'mark-pill' }, 'Archived'), c.is_ext_shared && h('span', { class: 'mark-pill' }, icon('shared', 14), 'Shared with another company'),
    !c.is_im && !c.is_member && h('span', { class: 'mark-pill' }, `${state.app.name} is not in this channel`));
  swap($('channel-topic'), c.topic?.value && mrkdwn(c.topic.value));
  incidentMenu($('incidents'), { fill, redraw: redrawIntro });
  $('composer').hidden = c.is_archived === true;
  $('archived').hidden = c.is_archived !== true;
  main.moveTo(c.id);
}

function side() {
  sidebar($('side'), {
    openChannel, close: () => drawer(false),
    actAs(id) {
      state.me = id;
      sessionStorage.setItem('me', id);
      side();
      again(readMessages);
      again(readViews);
    },
    toggleText() {
      state.asText = !state.asText;
      side();
      redraw();
    },
    toggleTheme() {
      theme(dark() ? 'light' : 'dark');
      side();
    },
  });
}

function redraw() {
  log.draw(state.messages, newFrom);
  if (state.thread) threadLog.draw(state.replies, threadNewFrom);
}

function redrawIntro() {
  incidentMenu($('incidents'), { fill, redraw: redrawIntro });
  redraw();
}

function intro() {
  const c = here();
  return h('div', { class: 'intro' },
    h('div', { class: 'intro-name' }, c.is_im ? channelName(c) : [channelIcon(c), c.name]),
    h('p', { class: 'muted' }, c.is_im ? `This is the start of your conversation with ${channelName(c)}.` : `This is the very beginning of the ${channelName(c)} channel.`, c.purpose?.value ? [' ', plain(c.purpose.value)] : ''),
    !c.is_archived && !c.is_im && c.is_member && !c.is_ext_shared && welcome({ fill, redraw: redrawIntro }));
}

function theme(name) {
  if (!name) return;
  document.documentElement.dataset.theme = name;
  localStorage.setItem('theme', name);
}

function drawer(open) {
  document.body.classList.toggle('side-open', open);
  if (open) $('side').querySelector('[aria-current], button')?.focus();
}
