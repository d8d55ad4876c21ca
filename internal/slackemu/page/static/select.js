// The select of messages and modals: a text field that searches, and a list.
// Follows the ARIA combobox pattern, https://www.w3.org/WAI/ARIA/apg/patterns/combobox/
import { h, icon, newID } from './dom.js';
import { place } from './menu.js';

const PAUSE = 250; // ms after the last key before an external select asks the app

// select draws a combobox.
//   load(query) gives groups [{label?, options: [{label, value, detail?}]}], or a promise of them
//   chosen      the options chosen at first
//   multi       several may be chosen
//   pick        called with the chosen options after each change
export function select({ label, placeholder, load, chosen = [], multi, slow, minimum = 0, key, pick, max }) {
  const listID = newID();
  const chips = h('span', { class: 'chips' });
  const input = h('input', {
    type: 'text', role: 'combobox', class: 'select-input', autocomplete: 'off', spellcheck: 'false', 'data-key': key,
    'aria-label': label, 'aria-expanded': 'false', 'aria-autocomplete': 'list', 'aria-controls': listID, placeholder,
    onfocus: () => input.select(), onclick: open, oninput: () => open(), onkeydown: keys, onblur: close,
  });
  const list = h('div', { class: 'listbox', id: listID, role: 'listbox', popover: 'manual', 'aria-label': label, 'aria-multiselectable': multi ? 'true' : null, onmousedown: (e) => e.preventDefault() });
  const box = h('div', { class: multi ? 'select multi' : 'select' }, chips, input, icon('caret', 16), list);
  let options = []; // shown now: {option, el}
  let active = -1;
  let asked = 0;
  let timer;
  show();
  return box;

  function show() {
    if (!multi) input.value = chosen[0]?.label ?? '';
    chips.replaceChildren(...(multi ? chosen : []).map((o) =>
      h('button', { type: 'button', class: 'chip', 'aria-label': `Remove ${o.label}`, onclick: () => set(chosen.filter((c) => c !== o)) }, o.label, icon('close', 12))));
  }

  function set(next) {
    chosen = next;
    show();
    pick(chosen);
  }

  function query() {
    return !multi && input.value === chosen[0]?.label ? '' : input.value.trim();
  }

  function open() {
    clearTimeout(timer);
    const q = query();
    if (q.length < minimum) return fillWith([], `Type ${minimum} or more letters to search`);
    if (!slow) return fillWith(load(q));
    fillWith([], 'Searching…');
    const mine = ++asked;
    timer = setTimeout(async () => {
      const groups = await load(q).catch((err) => err);
      if (mine !== asked || document.activeElement !== input) return;
      if (groups instanceof Error) fillWith([], groups.message);
      else fillWith(groups);
    }, PAUSE);
  }

  function fillWith(groups, note = 'No results') {
    options = [];
    active = -1;
    list.replaceChildren(...groups.filter((g) => g.options.length).map((g) => h('div', { role: 'group', 'aria-label': g.label },
      g.label && h('div', { class: 'group-label' }, g.label),
      g.options.map((option) => {
        const is = chosen.some((c) => c.value === option.value);
        const el = h('div', { role: 'option', id: newID(), class: 'option', 'aria-selected': String(is), onclick: () => take(option) },
          h('span', {}, option.label, option.detail && h('small', {}, option.detail)), is && icon('check', 16));
        options.push({ option, el });
        return el;
      }))));
    if (!options.length) list.append(h('div', { class: 'option-note', role: 'status' }, note));
    input.setAttribute('aria-expanded', 'true');
    if (!list.matches(':popover-open')) list.showPopover();
    place(list, box, { wide: true });
    const first = options.findIndex((o) => o.el.getAttribute('aria-selected') === 'true');
    move(options.length ? Math.max(0, first) : -1);
  }

  function move(to) {
    options[active]?.el.classList.remove('active');
    active = to;
    options[active]?.el.classList.add('active');
    options[active]?.el.scrollIntoView({ block: 'nearest' });
    input.setAttribute('aria-activedescendant', options[active]?.el.id ?? '');
  }

  function take(option) {
    const is = chosen.some((c) => c.value === option.value);
    if (multi) {
      input.value = '';
      if (is) set(chosen.filter((c) => c.value !== option.value));
      else if (!max || chosen.length < max) set([...chosen, option]);
    } else set([option]);
    close();
  }

  function close() {
    clearTimeout(timer);
    asked++;
    if (list.matches(':popover-open')) list.hidePopover();
    input.setAttribute('aria-expanded', 'false');
    input.removeAttribute('aria-activedescendant');
    if (!multi) input.value = chosen[0]?.label ?? '';
  }

  function keys(e) {
    const isOpen = list.matches(':popover-open');
    if (e.key === 'ArrowDown' || e.key === 'ArrowUp') {
      e.preventDefault();
      if (!isOpen) return open();
      if (options.length) move((active + (e.key === 'ArrowDown' ? 1 : -1) + options.length) % options.length);
    } else if (e.key === 'Enter' && isOpen) {
      e.preventDefault();
      if (options[active]) take(options[active].option);
    } else if (e.key === 'Escape' && isOpen) {
      e.preventDefault(); // closes the list, not the dialog around it
      e.stopPropagation();
      close();
    } else if (e.key === 'Backspace' && multi && !input.value && chosen.length) {
      set(chosen.slice(0, -1));
    }
  }
}
