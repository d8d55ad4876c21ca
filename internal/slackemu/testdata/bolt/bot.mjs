// A small bot on the official SDK. Every step it takes is printed as one line
// of JSON; the Go test drives it through the emulator's controls.
import bolt from '@slack/bolt';

const { App, LogLevel } = bolt;
const tell = (step, detail = {}) => console.log(JSON.stringify({ step, ...detail }));

const app = new App({
  token: process.env.BOT_TOKEN,
  appToken: process.env.APP_TOKEN,
  socketMode: true,
  logLevel: LogLevel.ERROR,
  clientOptions: { slackApiUrl: process.env.API_URL },
});

const blocks = (text) => [
  { type: 'section', text: { type: 'mrkdwn', text } },
  {
    type: 'actions',
    block_id: 'act',
    elements: [{ type: 'button', action_id: 'again', value: 'v1', text: { type: 'plain_text', text: 'Again' } }],
  },
];

app.command('/bolt', async ({ command, ack, respond, client }) => {
  await ack({ text: `acknowledged ${command.text}` });
  await respond({ text: 'responded', response_type: 'in_channel' });
  const posted = await client.chat.postMessage({ channel: command.channel_id, text: 'posted', blocks: blocks('posted') });
  await client.chat.postMessage({ channel: command.channel_id, text: 'in the thread', thread_ts: posted.ts });
  await client.chat.update({ channel: command.channel_id, ts: posted.ts, text: 'updated', blocks: blocks('updated') });
  await client.filesUploadV2({
    channel_id: command.channel_id,
    thread_ts: posted.ts,
    file: Buffer.from('a,b\n1,2\n'),
    filename: 'report.csv',
    title: 'Report',
    initial_comment: 'the report',
  });
  const replies = await client.conversations.replies({ channel: command.channel_id, ts: posted.ts });
  tell('command', { ts: posted.ts, replies: replies.messages.map((m) => m.text) });
});

app.action('again', async ({ action, ack, respond, body, client }) => {
  await ack();
  await respond({ text: `clicked ${action.value}`, replace_original: false });
  await client.reactions.add({ channel: body.channel.id, timestamp: body.message.ts, name: 'eyes' });
  tell('action', { value: action.value });
});

app.command('/form', async ({ command, ack, client }) => {
  await ack();
  const opened = await client.views.open({
    trigger_id: command.trigger_id,
    view: {
      type: 'modal',
      callback_id: 'form',
      title: { type: 'plain_text', text: 'Form' },
      submit: { type: 'plain_text', text: 'Send' },
      blocks: [
        {
          type: 'input',
          block_id: 'name',
          label: { type: 'plain_text', text: 'Name' },
          element: { type: 'plain_text_input', action_id: 'name' },
        },
        {
          type: 'input',
          block_id: 'role',
          label: { type: 'plain_text', text: 'Role' },
          element: { type: 'external_select', action_id: 'role', min_query_length: 0 },
        },
      ],
    },
  });
  tell('form', { view: opened.view.id });
});

app.options('role', async ({ options, ack }) => {
  await ack({ options: [{ text: { type: 'plain_text', text: `found ${options.value}` }, value: options.value }] });
});

app.view('form', async ({ view, ack }) => {
  const name = view.state.values.name.name.value;
  if (name === 'wrong') {
    await ack({ response_action: 'errors', errors: { name: 'Not that one' } });
    return;
  }
  await ack();
  tell('view', { name, role: view.state.values.role.role.selected_option.value });
});

app.shortcut('why', async ({ shortcut, ack, respond }) => {
  await ack();
  await respond({ text: `about: ${shortcut.message.text}` });
  tell('shortcut');
});

app.event('app_mention', async ({ event, say }) => {
  await say({ text: 'heard you', thread_ts: event.ts });
  tell('mention');
});

app.error(async (error) => tell('error', { error: String(error) }));

process.stdin.on('end', async () => {
  await app.stop();
  tell('stopped');
  process.exit(0);
});
process.stdin.resume();

await app.start();
tell('started');
