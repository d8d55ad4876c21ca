// Interactive elements: buttons, selects, inputs. What a person does goes to
// ctx.act (a click for the app) and, in a modal, to ctx.form (values to submit).
//
// ctx: {key, act(element, blockID, value, node), suggest(element, blockID, query), form?}
import { h, icon, newID } from './dom.js';
import { menu } from './menu.js';
import { confirmDialog } from './dialog.js';
import { select } from './select.js';
import { state, userName } from './state.js';
import { decode, plain, safeURL, textObject } from './text.js';

// element draws any element; label names those that have no words of their own.
export function element(el, blockID, ctx, { label = '', dispatch = true, described } = {}) {
  switch (el.type) {
    case 'button':
    case 'workflow_button':
      return button(el, blockID, ctx);
    case 'icon_button':
      return iconButton(el, blockID, ctx);
    case 'feedback_buttons':
      return feedback(el, blockID, ctx);
    case 'overflow':
      return overflow(el, blockID, ctx);
    case 'image':
      return null; // drawn by blocks.js
    case 'radio_buttons':
    case 'checkboxes':
      return choices(el, blockID, ctx, label, dispatch);
  }
  if (/select$/.test(el.type)) return anySelect(el, blockID, ctx, label, dispatch);
  if (INPUTS[el.type]) return field(el, blockID, ctx, label, dispatch, described);
  return h('span', { class: 'unknown' }, `[element “${el.type}” is not drawn here]`);
}

const keyOf = (el, blockID, ctx) => `${ctx.key}:${blockID}:${el.action_id}`;

// use asks for confirmation where the element wants it, then acts.
async function use(el, blockID, ctx, value, node) {
  if (el.confirm && !(await confirmDialog(el.confirm))) return;
  await ctx.act(el, blockID, value, node);
}

// button draws a button; one with a URL opens it and still tells the app.
export function button(el, blockID, ctx) {
  const node = h('button', {
    type: 'button', class: `btn ${{ primary: 'primary', danger: 'danger' }[el.style] ?? ''}`,
    'aria-label': el.accessibility_label ? decode(el.accessibility_label) : null, 'data-key': keyOf(el, blockID, ctx), 'data-action': el.action_id,
    onclick: () => {
      if (el.url && safeURL(el.url)) open(el.url, '_blank', 'noopener');
      use(el, blockID, ctx, undefined, node);
    },
  }, plain(el.text?.text), el.url && h('span', { class: 'sr' }, ' (opens in a new tab)'));
  return node;
}

function iconButton(el, blockID, ctx) {
  if (el.visible_to_user_ids?.length && !el.visible_to_user_ids.includes(state.me)) return null;
  const words = decode(el.text?.text ?? el.icon);
  const node = h('button', { type: 'button', class: 'btn quiet', 'aria-label': el.accessibility_label || null, 'data-key': keyOf(el, blockID, ctx), 'data-action': el.action_id, onclick: () => use(el, blockID, ctx, undefined, node) },
    el.icon === 'trash' ? icon('close', 16) : icon('bolt', 16), words);
  return node;
}

function feedback(el, blockID, ctx) {
  return h('span', { class: 'feedback', role: 'group', 'aria-label': 'Feedback' }, [['up', el.positive_button], ['down', el.negative_button]].map(([thumb, b]) => {
    const node = h('button', { type: 'button', class: 'btn quiet', 'aria-label': b.accessibility_label || null, 'data-key': `${keyOf(el, blockID, ctx)}:${thumb}`, 'data-action': el.action_id, onclick: () => use(el, blockID, ctx, b.value, node) },
      icon(thumb, 16), plain(b.text.text));
    return node;
  }));
}

function overflow(el, blockID, ctx) {
  const node = h('button', { type: 'button', class: 'btn square', 'aria-label': 'More options', 'aria-haspopup': 'menu', 'data-key': keyOf(el, blockID, ctx), 'data-action': el.action_id, onclick: () => {
    menu(node, 'More options', el.options.map((o) => ({
      label: decode(o.text.text), detail: o.description && decode(o.description.text),
      act: () => {
        if (o.url && safeURL(o.url)) open(o.url, '_blank', 'noopener');
        use(el, blockID, ctx, o.value, node);
      },
    })));
  } }, icon('more'));
  return node;
}

function choices(el, blockID, ctx, label, dispatch) {
  const many = el.type === 'checkboxes';
  const name = newID();
  const initial = ctx.form?.get(blockID, el.action_id) ?? (many ? (el.initial_options ?? []).map((o) => o.value) : el.initial_option?.value);
  const box = h('div', { class: 'choices', role: many ? 'group' : 'radiogroup', 'aria-label': label || null }, el.options.map((o) => {
    const note = o.description && newID();
    return h('label', { class: 'choice' },
      h('input', { type: many ? 'checkbox' : 'radio', name, value: o.value, checked: many ? initial.includes(o.value) : initial === o.value, 'aria-describedby': note, 'data-key': `${keyOf(el, blockID, ctx)}:${o.value}`, onchange: changed }),
      h('span', {}, textObject(o.text), o.description && h('small', { id: note }, textObject(o.description))));
  }));
  return box;

  function changed() {
    const values = [...box.querySelectorAll('input:checked')].map((i) => i.value);
    put(el, blockID, ctx, many ? values : values[0], box, dispatch);
  }
}

// put records a value for a later submit and tells the app where it wants to know at once.
function put(el, blockID, ctx, value, node, dispatch) {
  ctx.form?.put(blockID, el.action_id, value);
  if (dispatch) use(el, blockID, ctx, value, node);
}

function anySelect(el, blockID, ctx, label, dispatch) {
  const multi = el.type.startsWith('multi_');
  const kind = el.type.replace('multi_', '');
  const external = kind === 'external_select';
  // An element's own options hold text objects, the app's suggestions come as strings.
  const words = (t) => t && decode(t.text ?? t);
  const option = (o) => ({ label: words(o.text), value: o.value, detail: words(o.description) });
  const groups = (from) => from.option_groups?.map((g) => ({ label: words(g.label), options: g.options.map(option) })) ?? [{ options: (from.options ?? []).map(option) }];
  const people = () => [{ options: [...state.users.values()].map((u) => ({ label: userName(u.id), value: u.id, detail: `@${u.name}` })) }];
  const rooms = () => [{ options: [...state.channels.values()].filter((c) => c.name && !c.is_im).map((c) => ({ label: `#${c.name}`, value: c.id })) }];
  const all = { static_select: () => groups(el), users_select: people, channels_select: rooms, conversations_select: rooms }[kind];
  const matching = (q) => all().map((g) => ({ ...g, options: g.options.filter((o) => `${o.label} ${o.detail ?? ''}`.toLowerCase().includes(q.toLowerCase())) }));

  return h('div', { 'data-action': el.action_id }, select({
    label: label || el.placeholder?.text || 'Choose', placeholder: decode(el.placeholder?.text ?? 'Choose an option'), key: keyOf(el, blockID, ctx),
    multi, max: el.max_selected_items, slow: external, minimum: external ? el.min_query_length ?? 3 : 0,
    load: external ? async (q) => groups(await ctx.suggest(el, blockID, q)) : matching,
    chosen: ctx.form?.get(blockID, el.action_id, 'chosen') ?? initial(),
    pick: (now) => {
      ctx.form?.put(blockID, el.action_id, now, 'chosen');
      const values = now.map((o) => (external ? { text: o.label, value: o.value } : o.value));
      put(el, blockID, ctx, multi ? values : values[0] ?? '', null, dispatch);
    },
  }));

  function initial() {
    const ids = el.initial_users ?? el.initial_channels ?? el.initial_conversations ?? [el.initial_user ?? el.initial_channel ?? el.initial_conversation].filter(Boolean);
    if (ids.length) return all()[0].options.filter((o) => ids.includes(o.value));
    return (el.initial_options ?? [el.initial_option].filter(Boolean)).map(option);
  }
}

const INPUTS = {
  plain_text_input: 'text', email_text_input: 'email', url_text_input: 'url', number_input: 'number',
  datepicker: 'date', timepicker: 'time', datetimepicker: 'datetime-local',
};

function field(el, blockID, ctx, label, dispatch, described) {
  const long = el.multiline === true;
  const stamp = el.type === 'datetimepicker';
  const first = ctx.form?.get(blockID, el.action_id) ?? el.initial_value ?? el.initial_date ?? el.initial_time ?? (stamp ? el.initial_date_time : undefined);
  const node = h(long ? 'textarea' : 'input', {
    class: 'field', type: long ? null : INPUTS[el.type], rows: long ? 4 : null, 'aria-label': label || (el.placeholder ? decode(el.placeholder.text) : INPUTS[el.type]), 'aria-describedby': described,
    placeholder: el.placeholder ? decode(el.placeholder.text) : null, minlength: el.min_length, maxlength: el.max_length ?? 3000,
    min: el.min_value, max: el.max_value, step: el.is_decimal_allowed ? 'any' : null, 'data-key': keyOf(el, blockID, ctx), 'data-action': el.action_id,
    oninput: () => ctx.form?.put(blockID, el.action_id, read()),
    onchange: () => put(el, blockID, ctx, read(), node, dispatch),
  });
  if (first != null) node.value = stamp ? local(first) : first;
  return node;

  function read() {
    return stamp ? String(Math.trunc(new Date(node.value) / 1000)) : node.value;
  }
}

// local writes a Unix time as <input type=datetime-local> wants it.
function local(unix) {
  const d = new Date(unix * 1000);
  return new Date(d - d.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}
