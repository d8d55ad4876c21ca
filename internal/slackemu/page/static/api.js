// Talking to the local Slack: its controls (JSON in, JSON out) and its stream.

// Refused is a control's 4xx: a code, and a sentence for people.
export class Refused extends Error {
  constructor(answer, status) {
    super(answer.message || answer.error || `the local Slack answered ${status}`);
    this.code = answer.error ?? '';
    this.errors = answer.errors;
    this.status = status;
  }
}

async function call(path, init) {
  const response = await fetch(path, init);
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(answer, response.status);
  return answer;
}

export const get = (path, query = {}) => {
  const q = new URLSearchParams(Object.entries(query).filter(([, v]) => v)).toString();
  return call(q ? `${path}?${q}` : path);
};

export const post = (path, body) => call(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });

const RETRY = 1000; // ms between attempts to get the stream back

// stream calls onEvent for every change and onState(true|false) when the
// connection comes and goes. What happened while it was away is not repeated:
// onState(true) means "read everything again".
export function stream(onEvent, onState) {
  const source = new EventSource('/_emu/stream');
  source.onopen = () => onState(true);
  source.onmessage = (m) => onEvent(JSON.parse(m.data));
  source.onerror = () => {
    source.close(); // the browser's own retry gives up on some errors
    onState(false);
    setTimeout(() => stream(onEvent, onState), RETRY);
  };
}
