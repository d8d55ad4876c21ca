// Pop-up menus and where pop-ups go. The Popover API closes them on Esc and on
// a click elsewhere.
import { h } from './dom.js';

// place puts a pop-up next to its anchor, inside the window.
export function place(popup, anchor, { above = false, wide = false } = {}) {
  const a = anchor.getBoundingClientRect();
  if (wide) popup.style.width = `${a.width}px`;
  const p = popup.getBoundingClientRect();
  const room = innerHeight - a.bottom - 8;
  const up = above || (p.height > room && a.top > room);
  popup.style.top = `${up ? Math.max(8, a.top - p.height - 4) : a.bottom + 4}px`;
  popup.style.left = `${Math.max(8, Math.min(a.left, innerWidth - p.width - 8))}px`;
}

// menu opens a menu at anchor. items: {label, detail?, checked?, danger?, act} or null for a line.
export function menu(anchor, label, items) {
  const buttons = items.filter(Boolean).map((i) =>
    h('button', {
      type: 'button', class: i.danger ? 'menu-item danger' : 'menu-item', tabindex: '-1',
      role: i.checked === undefined ? 'menuitem' : 'menuitemradio', 'aria-checked': i.checked === undefined ? null : String(i.checked),
      onclick: () => {
        popup.hidePopover();
        i.act();
      },
    }, i.lead, h('span', { class: 'menu-text' }, h('span', {}, i.label), i.detail && h('small', {}, i.detail))));
  const popup = h('div', { class: 'menu', role: 'menu', popover: 'auto', 'aria-label': label, onkeydown: keys, ontoggle: (e) => {
    anchor.setAttribute('aria-expanded', String(e.newState === 'open'));
    if (e.newState === 'closed') {
      if (popup.contains(document.activeElement) || document.activeElement === document.body) anchor.focus();
      popup.remove();
    }
  } }, h('div', { class: 'menu-label', 'aria-hidden': 'true' }, label), merge(items, buttons));
  (anchor.closest('dialog') ?? document.body).append(popup);
  popup.showPopover();
  place(popup, anchor);
  (buttons.find((b) => b.getAttribute('aria-checked') === 'true') ?? buttons[0])?.focus();

  function keys(e) {
    const at = buttons.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[e.key];
    if (e.key === 'Tab') popup.hidePopover();
    if (to === undefined) return;
    e.preventDefault();
    buttons[(to + buttons.length) % buttons.length].focus();
  }
}

function merge(items, buttons) {
  const rest = [...buttons];
  return items.map((i) => (i ? rest.shift() : h('hr', { role: 'separator' })));
}
