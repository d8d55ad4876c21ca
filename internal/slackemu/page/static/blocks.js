// From Block Kit JSON to DOM: one function a block type.
// https://docs.slack.dev/reference/block-kit/blocks
import { h, icon, newID, remembered } from './dom.js';
import { chart } from './chart.js';
import { lightbox } from './dialog.js';
import { button, element } from './elements.js';
import { markdown } from './markdown.js';
import { plan, taskCard } from './plan.js';
import { richText } from './richtext.js';
import { dataTable, table } from './table.js';
import { decode, link, plain, textObject } from './text.js';

const LONG = 700; // characters of a section after which Slack offers "See more"

const BLOCKS = {
  header, section, context, actions, context_actions: contextActions, image, input, alert, card, carousel, container, layout, video,
  divider: () => h('hr', { class: 'divider' }),
  rich_text: richText,
  markdown: (b) => markdown(b.text),
  table, data_table: dataTable, data_visualization: chart, plan, task_card: taskCard,
  file: (b) => h('div', { class: 'unknown' }, `Remote file ${b.external_id}`),
};

// blocks draws a message's or a view's blocks. A message's table comes last,
// wherever it stands: https://docs.slack.dev/reference/block-kit/blocks/table-block
export function blocks(list, ctx) {
  const order = ctx.form ? list : [...list.filter((b) => b.type !== 'table'), ...list.filter((b) => b.type === 'table')];
  return order.map((b) => block(b, ctx));
}

function block(b, ctx) {
  let drawn;
  try {
    drawn = BLOCKS[b.type]?.(b, ctx) ?? h('div', { class: 'unknown', role: 'note' }, `A block of type “${b.type}”, which this page does not draw.`);
  } catch (err) {
    drawn = h('div', { class: 'unknown', role: 'note' }, `This ${b.type} block could not be drawn: ${err.message}`);
  }
  return h('div', { class: `block block-${b.type}`, 'data-block': b.block_id }, drawn);
}

function header(b) {
  return h('div', { class: `header level-${b.level ?? 1}`, role: 'heading', 'aria-level': (b.level ?? 1) + 2 }, textObject(b.text));
}

function section(b, ctx) {
  return h('div', { class: 'section' },
    h('div', { class: 'section-main' },
      b.text && foldable(b, ctx),
      b.fields && h('div', { class: 'fields' }, b.fields.map((f) => h('div', { class: 'field-cell' }, textObject(f))))),
    b.accessory && h('div', { class: 'accessory' },
      b.accessory.type === 'image' ? picture(b.accessory, 'accessory-image') : element(b.accessory, b.block_id, ctx, { label: b.text ? words(b.text) : '' })));
}

function foldable(b, ctx) {
  const text = h('div', { class: 'text' }, textObject(b.text));
  const key = `${ctx.key}:${b.block_id}:more`;
  if (b.expand || ctx.form || b.text.text.length <= LONG) return text;
  const set = (open) => {
    remembered.set(key, open);
    text.classList.toggle('folded', !open);
    more.textContent = open ? 'See less' : 'See more';
    more.setAttribute('aria-expanded', String(open));
  };
  const more = h('button', { type: 'button', class: 'link-btn', 'data-key': key, onclick: () => set(!remembered.get(key)) });
  set(remembered.get(key) ?? false);
  return [text, more];
}

// words is a text object's text without markup, for labels.
const words = (t) => decode(t.text.replace(/<[^>]*\|([^>]*)>/g, '$1').replace(/[*_~`]/g, '')).slice(0, 100);

function context(b) {
  return h('div', { class: 'context' }, b.elements.map((e) => (e.type === 'image' ? picture(e, 'context-image') : textObject(e))));
}

function actions(b, ctx) {
  return h('div', { class: 'actions' }, b.elements.map((e) => element(e, b.block_id, ctx)));
}

function contextActions(b, ctx) {
  return h('div', { class: 'context-actions' }, b.elements.map((e) => element(e, b.block_id, ctx)));
}

function image(b, ctx) {
  const key = `${ctx.key}:${b.block_id}:image`;
  return h('details', { class: 'image', open: remembered.get(key) ?? true, ontoggle: (e) => remembered.set(key, e.target.open) },
    h('summary', { 'data-key': key }, b.title ? textObject(b.title) : h('span', { class: 'muted' }, 'Image'), icon('caret', 16)), preview(imageURL(b), b.alt_text, b.title && decode(b.title.text)));
}

// imageURL finds an image's bytes: its URL, or the uploaded file it names.
function imageURL(e) {
  if (e.slack_file?.id) return `/_emu/files/${encodeURIComponent(e.slack_file.id)}`;
  return e.image_url ?? e.slack_file?.url ?? '';
}

// preview is an image that opens in the viewer. An address elsewhere is not
// loaded: this page makes no request beyond its own server.
export function preview(src, alt, name) {
  const url = new URL(src, location.href);
  if (url.origin !== location.origin && url.protocol !== 'data:') return h('p', { class: 'muted' }, `${alt} (image elsewhere, not loaded: `, link(src, src), ')');
  return h('button', { type: 'button', class: 'image-btn', 'aria-label': `Open image: ${alt}`, onclick: () => lightbox(src, alt, name) }, h('img', { src, alt, loading: 'lazy' }));
}

function picture(e, className) {
  const url = new URL(imageURL(e), location.href);
  if (url.origin !== location.origin && url.protocol !== 'data:') return h('span', { class: `${className} blank`, role: 'img', 'aria-label': e.alt_text, title: e.alt_text });
  return h('img', { class: className, src: url.href, alt: e.alt_text });
}

// input draws a labelled field; ctx.errors holds the app's complaints by block.
function input(b, ctx) {
  const label = decode(b.label.text);
  const note = newID();
  const error = ctx.errors?.[b.block_id];
  return h('div', { class: error ? 'input invalid' : 'input' },
    h('div', { class: 'input-label' }, plain(b.label.text), b.optional && h('span', { class: 'muted' }, ' (optional)')),
    element(b.element, b.block_id, ctx, { label: b.optional ? `${label} (optional)` : label, dispatch: b.dispatch_action === true, described: note }),
    h('div', { id: note },
      error && h('div', { class: 'input-error', role: 'alert' }, icon('warning', 14), error),
      b.hint && h('div', { class: 'input-hint' }, plain(b.hint.text))));
}

function alert(b) {
  const level = ['info', 'warning', 'error', 'success'].includes(b.level) ? b.level : 'default';
  const mark = { warning: 'warning', error: 'warning', success: 'check' }[level] ?? 'info';
  return h('div', { class: `alert alert-${level}`, role: level === 'error' ? 'alert' : 'note' }, icon(mark, 18),
    h('div', {}, level !== 'default' && h('span', { class: 'sr' }, `${level}: `), textObject(b.text)));
}

function card(b, ctx) {
  return h('div', { class: 'card' },
    b.hero_image && picture(b.hero_image, 'card-hero'),
    h('div', { class: 'card-body' },
      h('div', { class: 'card-head' }, b.icon && picture(b.icon, 'card-icon'), b.slack_icon && icon('bolt'),
        h('div', {}, b.title && h('div', { class: 'card-title' }, textObject(b.title)), b.subtitle && h('div', { class: 'muted' }, textObject(b.subtitle)))),
      b.body && h('div', {}, textObject(b.body)),
      b.subtext && h('div', { class: 'context' }, textObject(b.subtext)),
      b.actions?.length && h('div', { class: 'actions' }, b.actions.map((e) => button(e, b.block_id, ctx)))));
}

function carousel(b, ctx) {
  return h('div', { class: 'carousel', tabindex: '0', role: 'group', 'aria-label': 'Cards' }, b.elements.map((c) => card({ block_id: b.block_id, ...c }, ctx)));
}

function container(b, ctx) {
  const title = h('span', { class: 'container-title' }, b.rich_text_title ? richText(b.rich_text_title) : textObject(b.title));
  const head = [b.icon && picture(b.icon, 'card-icon'), h('span', {}, title, b.subtitle && h('span', { class: 'container-subtitle' }, textObject(b.subtitle)))];
  const body = h('div', { class: 'container-body' }, blocks(b.child_blocks, ctx));
  const width = `container width-${['narrow', 'wide', 'full'].includes(b.width) ? b.width : 'standard'}`;
  if (!b.is_collapsible) return h('div', { class: width }, h('div', { class: b.has_header_divider ? 'container-head lined' : 'container-head' }, head), body);
  const key = `${ctx.key}:${b.block_id ?? words(b.title ?? { text: '' })}:open`;
  return h('details', { class: width, open: remembered.get(key) ?? !b.default_collapsed, ontoggle: (e) => remembered.set(key, e.target.open) },
    h('summary', { class: 'container-head', 'data-key': key }, head, icon('caret', 16)), body);
}

function layout(b, ctx) {
  return h('div', { class: `layout lines-${b.grid_lines ?? 'none'}`, role: 'group', 'aria-label': b.is_label_visible ? b.label : null },
    b.is_label_visible && h('div', { class: 'container-title' }, b.label),
    b.rows.map((r) => h('div', { class: 'layout-row' }, r.items.map((i) => h('div', { class: `layout-item width-${i.width ?? 'standard'}` }, block(i.block, ctx))))));
}

function video(b) {
  return h('div', { class: 'card' }, h('div', { class: 'card-body' },
    h('div', { class: 'card-title' }, b.title_url ? link(b.title_url, decode(b.title.text)) : textObject(b.title)),
    b.description && textObject(b.description), h('p', { class: 'muted' }, `Video: ${b.alt_text}`)));
}
