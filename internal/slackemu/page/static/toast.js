// A line at the bottom that goes away by itself, read out by screen readers.
import { h } from './dom.js';

const STAY = 6000; // ms

const box = h('div', { class: 'toasts', role: 'status', 'aria-live': 'polite' });
document.body.append(box);

// toast says one sentence.
export function toast(sentence) {
  const line = h('div', { class: 'toast' }, sentence);
  box.append(line);
  setTimeout(() => line.remove(), STAY);
}
