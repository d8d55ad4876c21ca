// What greets a visitor: the sentence that invites to type the command, and the
// menu of example incidents, where the server has them.
import { get, post } from './api.js';
import { h, icon, swap } from './dom.js';
import { menu } from './menu.js';
import { state } from './state.js';
import { toast } from './toast.js';

const DISMISSED = 'welcome-dismissed';
let demo; // {current, incidents}, or undefined where there is no demo

// loadIncidents asks for the example incidents; without a demo there are none.
export async function loadIncidents() {
  demo = await get('/demo/incidents').catch(() => undefined);
}

const current = () => demo?.incidents.find((i) => i.name === demo.current) ?? demo?.incidents[0];

const command = () => state.app.commands?.[0]?.command ?? '/sts-expired';

const line = (incident) => [command(), incident?.ask.role ?? 'payments-api', incident?.ask.region ?? 'eu-west-1', incident?.ask.window].filter(Boolean).join(' ');

// exampleLine is the command that the welcome offers.
export const exampleLine = () => line(current());

// examples are what the composer completes arguments with: the incident that is
// loaded, as the others would not be found.
export const examples = () => (current() ? [{ title: current().title, command: exampleLine() }] : []);

// welcome draws the card at the channel's start; null once dismissed.
export function welcome({ fill, redraw }) {
  if (localStorage.getItem(DISMISSED)) return null;
  return h('section', { class: 'welcome', 'aria-label': 'Welcome' },
    h('button', { type: 'button', class: 'icon-btn', 'aria-label': 'Dismiss', onclick: () => {
      localStorage.setItem(DISMISSED, '1');
      redraw();
    } }, icon('close', 16)),
    h('span', { class: 'welcome-mark', 'aria-hidden': 'true' }, icon('incident', 26)),
    h('div', {},
      h('h2', {}, 'Credentials expired in the middle of an incident? Type the command.'),
      h('p', {}, current() ? ['The example incident is ', h('b', {}, current().title), '. '] : '', 'Ask why a role’s AWS STS credentials expire: say which role and which region, and the evidence and the diagnosis arrive here.'),
      h('button', { type: 'button', class: 'example', 'data-key': 'example', onclick: () => fill(exampleLine()) }, h('code', {}, exampleLine()), h('span', {}, 'Put it in the composer'))));
}

export const welcomeSign = () => JSON.stringify([localStorage.getItem(DISMISSED), demo?.current, state.app.commands?.[0]?.command]);

// incidentMenu draws the switch between incidents into node, or nothing.
export function incidentMenu(node, { fill, redraw }) {
  if (!demo?.incidents?.length) return swap(node);
  const button = h('button', { type: 'button', class: 'btn incident-btn', 'aria-haspopup': 'menu', 'data-key': 'incidents', title: current().title, onclick: () =>
    menu(button, 'Example incidents', demo.incidents.map((i) => ({
      label: i.title, detail: line(i), checked: i.name === demo.current,
      act: async () => {
        try {
          await post('/demo/incidents', { name: i.name });
          demo.current = i.name;
          redraw();
          fill(line(i));
        } catch (err) {
          toast(`The incident could not be loaded: ${err.message}`);
        }
      },
    }))) }, icon('incident', 18), h('span', { class: 'incident-label' }, h('span', { class: 'muted' }, 'Incident: '), current().title), icon('caret', 16));
  swap(node, button);
}
