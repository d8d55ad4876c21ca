// The composer: a text field with slash command hints and completion.
import { Refused, post } from './api.js';
import { h, icon, newID, swap } from './dom.js';
import { state, userName } from './state.js';
import { toast } from './toast.js';

const INVITE = { command: '/invite', usage_hint: '@name', description: 'Adds someone to this channel' };

// composer makes one. opts: {label(), thread() → ts or '', examples() → [{title, command}], sent()}.
export function composer(opts) {
  const listID = newID();
  const hints = h('div', { class: 'hints', id: listID, role: 'listbox', 'aria-label': 'Suggestions', hidden: true, onmousedown: (e) => e.preventDefault() });
  const input = h('textarea', {
    class: 'composer-input', rows: '1', 'aria-controls': listID, 'aria-autocomplete': 'list', spellcheck: 'false',
    onbeforeinput: (e) => e.inputType === 'insertLineBreak' && !shift && e.preventDefault(), // Enter alone never breaks the line
    oninput: changed, onkeydown: keys, onblur: hide, onclick: changed,
  });
  const send = h('button', { type: 'submit', class: 'send', 'aria-label': 'Send', disabled: true }, icon('send', 18));
  const note = h('div', { class: 'composer-note', role: 'alert' });
  const usage = h('div', { class: 'usage' });
  const form = h('form', { class: 'composer', onsubmit: submit }, hints, note,
    h('div', { class: 'composer-box' }, input, h('div', { class: 'composer-row' }, usage, send)));
  let offered = []; // suggestions shown: {el, insert}
  let active = 0;
  let shift = false; // held with the last key
  const drafts = new Map();
  let place = '';
  return { node: form, input, fill, moveTo };

  // moveTo keeps the draft of one place and brings back the other's.
  function moveTo(next) {
    input.placeholder = opts.label();
    input.setAttribute('aria-label', opts.label());
    if (next === place) return;
    drafts.set(place, input.value);
    place = next;
    input.value = drafts.get(place) ?? '';
    note.textContent = '';
    size();
    hide();
  }

  // fill puts a line into the composer, ready to send.
  function fill(text) {
    input.value = text;
    input.focus();
    size();
    hide();
    describe();
  }

  function size() {
    input.style.height = 'auto';
    input.style.height = `${Math.min(input.scrollHeight, 200)}px`;
    send.disabled = !input.value.trim();
    describe();
  }

  // describe shows how the command being typed is used.
  function describe() {
    const command = commands().find((c) => input.value.split(/\s/)[0] === c.command);
    swap(usage, command ? [h('b', {}, command.command), ' ', command.usage_hint] : [h('span', { class: 'keys' }, h('b', {}, 'Enter'), ' to send, ', h('b', {}, '/'), ' for commands')]);
  }

  function changed() {
    note.textContent = '';
    size();
    offer(suggestions());
  }

  function suggestions() {
    const before = input.value.slice(0, input.selectionStart);
    if (/^\/\S*$/.test(before)) {
      return commands().filter((c) => c.command.startsWith(before)).map((c) => ({
        insert: `${c.command} `, title: [h('b', {}, c.command), ' ', h('span', { class: 'muted' }, c.usage_hint)], detail: c.description, lead: c === INVITE ? 'hash' : 'incident',
      }));
    }
    const said = input.value.trimStart();
    const examples = said.startsWith('/') && input.selectionStart === input.value.length ? opts.examples().filter((x) => x.command.startsWith(said) && x.command !== said) : [];
    if (examples.length) return examples.map((x) => ({ insert: x.command, title: [x.command], detail: x.title, lead: 'incident', soft: true }));
    const at = /(?:^|\s)@([\w.-]*)$/.exec(before);
    if (!at) return [];
    return [...state.users.values()].filter((u) => u.name.startsWith(at[1])).map((u) => ({
      insert: `${input.value.slice(0, before.length - at[1].length)}${u.name} ${input.value.slice(before.length)}`, title: [h('b', {}, `@${u.name}`)], detail: userName(u.id), lead: 'hash',
    }));
  }

  function offer(items) {
    offered = items.slice(0, 8).map((i) => ({ ...i, el: h('div', { class: 'hint', role: 'option', id: newID(), onclick: () => take(i) }, h('span', { class: 'hint-icon' }, icon(i.lead, 18)), h('span', {}, h('div', {}, i.title), h('small', {}, i.detail))) }));
    hints.replaceChildren(...offered.map((o) => o.el));
    hints.hidden = !offered.length;
    // An example of arguments is only taken when chosen: Enter alone sends what was typed.
    move(offered[0]?.soft ? -1 : 0);
  }

  function move(to) {
    offered[active]?.el.setAttribute('aria-selected', 'false');
    active = to;
    offered[active]?.el.setAttribute('aria-selected', 'true');
    if (offered[active]) input.setAttribute('aria-activedescendant', offered[active].el.id);
    else input.removeAttribute('aria-activedescendant');
  }

  function take(item) {
    input.value = item.insert;
    changed();
  }

  function hide() {
    offer([]);
  }

  function keys(e) {
    if (e.isComposing) return;
    shift = e.shiftKey;
    const open = offered.length > 0;
    const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
    if (open && step) {
      e.preventDefault();
      move(active < 0 ? (step > 0 ? 0 : offered.length - 1) : (active + step + offered.length) % offered.length);
    } else if (open && (e.key === 'Tab' || (e.key === 'Enter' && active >= 0 && offered[active].insert.trim() !== input.value.trim())) && !e.shiftKey) {
      e.preventDefault();
      take(offered[Math.max(0, active)]);
    } else if (open && e.key === 'Escape') {
      e.stopPropagation();
      hide();
    } else if (e.key === 'Enter' && !e.shiftKey) {
      e.preventDefault();
      form.requestSubmit();
    }
  }

  async function submit(e) {
    e.preventDefault();
    const text = input.value.trim();
    if (!text) return;
    const from = place;
    input.value = '';
    note.textContent = '';
    size();
    hide();
    try {
      // A command's own failure comes as a line of Slackbot's in the channel.
      await post('/_emu/say', { user: state.me, channel: state.channel, text, thread_ts: opts.thread() || undefined });
      opts.sent();
    } catch (err) {
      if (!(err instanceof Refused)) toast('The local Slack cannot be reached. Your line was kept.');
      if (from !== place || input.value.trim()) return drafts.set(from, text);
      input.value = text;
      size();
      note.textContent = err instanceof Refused ? err.message : '';
    }
  }
}

const commands = () => [...(state.app.commands ?? []), INVITE];
