// DOM building. Strings become text nodes; nothing in this page assigns HTML
// except text.js, which does it with the output of slack-to-html.

// h makes one element: attributes, "on…" listeners, children.
export function h(tag, attrs, ...children) {
  return fill(document.createElement(tag), attrs, children);
}

const SVG = 'http://www.w3.org/2000/svg';

// svg makes one SVG element.
export function svg(tag, attrs, ...children) {
  return fill(document.createElementNS(SVG, tag), attrs, children);
}

function fill(el, attrs, children) {
  for (const [name, value] of Object.entries(attrs ?? {})) {
    if (value == null || value === false) continue;
    if (name.startsWith('on')) el.addEventListener(name.slice(2), value);
    else el.setAttribute(name, value === true ? '' : value);
  }
  el.append(...children.flat(Infinity).filter((c) => c != null && c !== false && c !== ''));
  return el;
}

const ICONS = {
  hash: 'M4 7.5h13M3 12.5h13M8 3 6 17M14 3l-2 14',
  lock: 'M5 9.5h10v7H5zM7 9.5V6.8a3 3 0 0 1 6 0v2.7',
  archive: 'M3 4h14v4H3zM4.5 8v8h11V8M8 11.5h4',
  shared: 'M7.5 4.5 13 10l-5.5 5.500L2 10zM12.5 4.5 18 10l-5.5 5.5',
  caret: 'm6 8 4 4 4-4',
  close: 'm5 5 10 10M15 5 5 15',
  thread: 'M3 4.500h14v9H10l-4 3.500v-3.500H3zM6.5 7.500h7M6.5 10.500h4.5',
  more: 'M10 4.500v.01M10 10v.01M10 15.500v.01',
  send: 'M3.5 3.5 17 10 3.5 16.5 5 10zM5 10h6',
  check: 'm4.5 10.5 3.700 3.700 7.300-8',
  cross: 'm6 6 8 8M14 6l-8 8',
  moon: 'M16.5 12A7 7 0 0 1 8 3.500a7 7 0 1 0 8.5 8.500z',
  sun: 'M10 6.500a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM10 1.800v2M10 16.200v2M1.800 10h2M16.2 10h2M4.2 4.200l1.400 1.400M14.400 14.400l1.400 1.400M15.800 4.200l-1.400 1.400M5.600 14.400l-1.400 1.400',
  eye: 'M2 10s3-5.5 8-5.5 8 5.5 8 5.5-3 5.5-8 5.5S2 10 2 10zM10 7.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5z',
  ear: 'M6 8a4 4 0 1 1 8 0c0 3-2.5 3.5-2.5 6a2.5 2.5 0 0 1-4.5 1.500M8.5 8a1.5 1.5 0 0 1 3 0c0 1.5-1.5 1.5-1.5 3',
  download: 'M10 3v9.500M6 9l4 4 4-4M3.5 16.500h13',
  file: 'M5 2.500h6.500L15.5 6.500v11H5zM11.5 2.500v4h4',
  up: 'M3 9h3v8H3zM6 9l3.5-6.500c1.300 0 2 1 1.700 2.300L10.700 8h4.800c1.100 0 1.800 1 1.5 2l-1.5 5.500c-.2.900-1 1.5-1.900 1.500H6',
  down: 'M3 11h3V3H3zM6 11l3.5 6.500c1.300 0 2-1 1.700-2.300L10.700 12h4.800c1.100 0 1.800-1 1.5-2l-1.5-5.500c-.2-.9-1-1.5-1.900-1.500H6',
  bolt: 'M11 2 4.5 11.500H10L9 18l6.5-9.500H10z',
  warning: 'M10 3 2.5 16.500h15zM10 8v4M10 14.200v.01',
  info: 'M10 2.500a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15zM10 9v5M10 6.200v.01',
  incident: 'M10 2.5 17 6v4.500c0 4-3 6.300-7 7.5-4-1.2-7-3.5-7-7.500V6zM10 6.500v4.500M10 13.500v.01',
};

// icon draws one of the page's own line icons; words beside it carry the meaning.
export function icon(name, size = 20) {
  return svg('svg', { class: `icon icon-${name}`, viewBox: '0 0 20 20', width: size, height: size, 'aria-hidden': 'true', focusable: 'false' },
    svg('path', { d: ICONS[name] }));
}

// remembered keeps what a person opened or paged through across redraws of the
// same message: key → value.
export const remembered = new Map();

// swap replaces the children of el and gives the focus back to the control
// that had it, found by its data-key.
export function swap(el, ...children) {
  const key = el.contains(document.activeElement) ? document.activeElement.closest('[data-key]')?.dataset.key : undefined;
  el.replaceChildren(...children.flat(Infinity).filter(Boolean));
  if (key) el.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
}

let serial = 0;

// newID gives an id for label and aria references.
export const newID = () => `e${++serial}`;
