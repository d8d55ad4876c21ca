// Modals: the acting user's top view, its fields, the app's validation errors.
import { Refused, get, post } from './api.js';
import { blocks } from './blocks.js';
import { closer } from './dialog.js';
import { h, icon, newID, swap } from './dom.js';
import { state } from './state.js';
import { plain } from './text.js';

// Shown when the app does not answer a submit, as Slack words it.
const TROUBLE = 'We had some trouble connecting. Try again?';

let shown; // {id, dialog, form, view}

// readViews reads the acting user's open views and shows the top one.
export async function readViews() {
  const { views } = await get('/_emu/views', { user: state.me });
  const top = views.at(-1);
  if (shown && shown.id !== top?.id) {
    const old = shown;
    shown = undefined;
    old.dialog.remove();
  }
  if (!top) return;
  if (!shown) openView(top);
  else if (JSON.stringify(shown.view) !== JSON.stringify(top)) {
    shown.view = top;
    draw(top.errors);
  }
}

function openView(view) {
  const dialog = h('dialog', { class: 'dialog modal', oncancel: (e) => {
    e.preventDefault();
    closeView();
  } });
  shown = { id: view.id, dialog, form: formOf(), view };
  draw(view.errors);
  document.body.append(dialog);
  dialog.showModal();
  (dialog.querySelector('.input input, .input textarea') ?? dialog).focus();
}

// formOf holds what was entered: under "value" what is submitted, under
// "chosen" what a select shows. It outlives redraws of the same view.
function formOf() {
  const values = new Map();
  const at = (block, action, kind) => JSON.stringify([kind, block, action]);
  return {
    put: (block, action, value, kind = 'value') => values.set(at(block, action, kind), value),
    get: (block, action, kind = 'value') => values.get(at(block, action, kind)),
    submitted() {
      const out = {};
      for (const [key, value] of values) {
        const [kind, block, action] = JSON.parse(key);
        if (kind === 'value') (out[block] ??= {})[action] = value;
      }
      return out;
    },
  };
}

function draw(errors, trouble) {
  const { view, dialog, form } = shown;
  const title = newID();
  const ctx = {
    key: `view:${view.id}`, form, errors,
    act: (element, block_id, value, node) => click(element, block_id, value, node),
    suggest: (element, block_id, query) => suggest({ view_id: view.id }, element, block_id, query),
  };
  dialog.setAttribute('aria-labelledby', title);
  const submit = h('button', { type: 'submit', class: 'btn primary', 'data-key': 'submit' }, plain(view.submit?.text ?? 'Submit'));
  swap(dialog, h('form', { novalidate: true, onsubmit: (e) => {
    e.preventDefault();
    send(submit);
  } },
    h('header', {}, h('span', { class: 'app-tile', 'aria-hidden': 'true' }, icon('incident')), h('h2', { id: title }, plain(view.title?.text)), closer(closeView)),
    h('div', { class: 'dialog-body' },
      trouble && h('div', { class: 'alert alert-error', role: 'alert' }, trouble),
      blocks(view.blocks ?? [], ctx)),
    h('footer', {},
      h('button', { type: 'button', class: 'btn', onclick: closeView, 'data-key': 'close' }, plain(view.close?.text ?? (view.submit ? 'Cancel' : 'Close'))),
      view.submit && submit)));
}

async function send(button) {
  const { view, form, dialog } = shown;
  button.setAttribute('aria-busy', 'true');
  button.disabled = true;
  let errors;
  let trouble;
  try {
    const delivery = await post('/_emu/submit', { user: state.me, view_id: view.id, values: form.submitted() });
    errors = delivery.errors;
    if (delivery.error) trouble = TROUBLE;
  } catch (err) {
    if (err instanceof Refused && err.errors) errors = err.errors;
    else trouble = err.message;
  }
  await readViews();
  if (shown?.dialog !== dialog || shown.view.id !== view.id) return;
  draw(errors, trouble);
  dialog.querySelector('.invalid input, .invalid textarea')?.focus();
}

async function click(element, block_id, value, node) {
  node?.setAttribute('aria-busy', 'true');
  let trouble;
  try {
    const delivery = await post('/_emu/click', { user: state.me, view_id: shown.view.id, action_id: element.action_id, block_id, value });
    if (delivery.error) trouble = TROUBLE;
  } catch (err) {
    trouble = err.message;
  }
  node?.removeAttribute('aria-busy');
  if (trouble && shown) draw(shown.view.errors, trouble);
}

async function closeView() {
  if (!shown) return;
  await post('/_emu/close_view', { user: state.me, view_id: shown.view.id });
  await readViews();
}

// suggest asks the app for an external select's options.
export async function suggest(where, element, block_id, query) {
  const answer = await post('/_emu/suggest', { user: state.me, action_id: element.action_id, block_id, query, ...where });
  if (answer.error) throw new Error('The app did not answer with options. Try again?');
  return answer;
}

