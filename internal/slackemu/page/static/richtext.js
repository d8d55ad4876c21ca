// rich_text: sections, lists, quotes, preformatted. Nothing in it is parsed for
// markup, so nothing in it can be injected.
import { h } from './dom.js';
import { state } from './state.js';
import { emoji, link, richDate } from './text.js';

// richText renders a rich_text block (or a cell that holds one).
export function richText(block) {
  return h('div', { class: 'rich' }, lists(block.elements ?? []));
}

// lists draws elements in order and joins neighbouring rich_text_lists, so that
// an ordered list goes on counting after an indented one.
function lists(elements) {
  const counts = [];
  return elements.map((e) => {
    if (e.type !== 'rich_text_list') counts.length = 0;
    switch (e.type) {
      case 'rich_text_section':
        return h('div', { class: 'rich-section' }, inline(e.elements));
      case 'rich_text_quote':
        return h('blockquote', { class: 'quote' }, inline(e.elements));
      case 'rich_text_preformatted':
        return h('pre', { class: 'pre', tabindex: '0', 'data-language': e.language }, h('code', {}, inline(e.elements)));
      case 'rich_text_list': {
        const indent = e.indent ?? 0;
        counts.length = indent + 1;
        const start = (counts[indent] ?? e.offset ?? 0) + 1;
        counts[indent] = start - 1 + e.elements.length;
        const list = h(e.style === 'ordered' ? 'ol' : 'ul', { class: `rich-list indent-${Math.min(indent, 8)}`, start: e.style === 'ordered' ? start : null },
          e.elements.map((item) => h('li', {}, item.type === 'rich_text_section' ? inline(item.elements) : lists([item]))));
        return e.border ? h('div', { class: 'rich-border' }, list) : list;
      }
      default:
        return unknown(e);
    }
  });
}

function inline(elements) {
  return (elements ?? []).map((e) => styled(element(e), e.style));
}

function styled(node, style) {
  if (!style) return node;
  if (style.code) node = h('code', { class: 'code' }, node);
  if (style.bold) node = h('b', {}, node);
  if (style.italic) node = h('i', {}, node);
  if (style.strike) node = h('s', {}, node);
  if (style.underline) node = h('u', {}, node);
  if (style.highlight || style.client_highlight) node = h('mark', {}, node);
  return node;
}

function element(e) {
  switch (e.type) {
    case 'text':
      return e.text;
    case 'link':
      return link(e.url, e.text || e.url);
    case 'emoji':
      return emoji(e.name, e.unicode);
    case 'user':
      return mention(`@${state.users.get(e.user_id)?.name ?? e.user_id}`);
    case 'channel':
      return mention(`#${state.channels.get(e.channel_id)?.name ?? e.channel_id}`);
    case 'usergroup':
      return mention(`@${e.usergroup_id}`);
    case 'team':
      return mention(`@${e.team_id}`);
    case 'broadcast':
      return mention(`@${e.range}`, true);
    case 'date':
      return e.url ? link(e.url, richDate(e)) : richDate(e);
    case 'color':
      return colour(e.value);
    case 'tag':
      return h('span', { class: `tag tag-${/^[a-z]+$/.test(e.color ?? '') ? e.color : 'grey'}` }, e.text);
    case 'citation':
      return e.url ? link(e.url, e.text || e.url) : e.text ?? '';
    default:
      return e.text ?? unknown(e);
  }
}

const mention = (text, broadcast) => h('span', { class: broadcast ? 'user-mention broadcast' : 'user-mention' }, text);

function colour(value) {
  const swatch = h('span', { class: 'swatch', 'aria-hidden': 'true' });
  if (/^#[0-9a-f]{3,8}$/i.test(value)) swatch.style.background = value;
  return h('span', {}, value, ' ', swatch);
}

const unknown = (e) => h('span', { class: 'unknown' }, `[rich text “${e.type}” is not drawn here]`);
