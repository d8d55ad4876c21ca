// Dialogs over the page: confirmation and the image viewer. <dialog> keeps the
// focus inside and closes on Esc.
import { h, icon, newID } from './dom.js';
import { textObject } from './text.js';

// confirmDialog shows an element's confirm object; true when confirmed.
export function confirmDialog(confirm) {
  const title = newID();
  return new Promise((resolve) => {
    const choose = (yes) => () => d.close(yes ? 'yes' : '');
    const d = show(h('dialog', { class: 'dialog confirm', 'aria-labelledby': title, onclose: () => {
      d.remove();
      resolve(d.returnValue === 'yes');
    } },
      h('header', {}, h('h2', { id: title }, textObject(confirm.title)), closer(choose(false))),
      h('div', { class: 'dialog-body' }, textObject(confirm.text)),
      h('footer', {},
        h('button', { type: 'button', class: 'btn', onclick: choose(false) }, confirm.deny ? textObject(confirm.deny) : 'Cancel'),
        h('button', { type: 'button', class: `btn ${confirm.style === 'danger' ? 'danger solid' : 'primary'}`, autofocus: true, onclick: choose(true) }, textObject(confirm.confirm)))));
  });
}

// lightbox shows an image as large as the window allows.
export function lightbox(src, alt, name) {
  const d = show(h('dialog', { class: 'dialog lightbox', 'aria-label': name || alt, onclose: () => d.remove(), onclick: (e) => e.target === d && d.close() },
    h('header', {}, h('span', { class: 'lightbox-name' }, name || 'Image'),
      h('a', { class: 'btn quiet', href: src, download: name || 'image' }, icon('download', 16), 'Download'), closer(() => d.close())),
    h('img', { src, alt }),
    h('p', { class: 'lightbox-alt' }, alt)));
}

// closer is the × of a dialog.
export const closer = (act) => h('button', { type: 'button', class: 'icon-btn', 'aria-label': 'Close', onclick: act }, icon('close'));

function show(dialog) {
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
