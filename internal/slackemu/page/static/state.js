// What the page knows. One object, written by app.js and live.js.
export const state = {
  team: {}, // name, domain
  app: {}, // id, name, bot user, commands, shortcuts
  users: new Map(), // id → user
  channels: new Map(), // id → channel
  me: '', // acting user's id
  channel: '', // open channel's id
  thread: '', // open thread's parent ts, or ''
  messages: [], // of the open channel
  replies: [], // of the open thread, parent first
  unread: new Map(), // channel id → count since last looked at
  threadsSeen: new Map(), // "channel:ts" → latest_reply looked at
  asText: false, // "what a screen reader gets"
};

// userName is how a message's author is called. Slackbot is in no user list.
export const userName = (id) => (id === 'USLACKBOT' ? 'Slackbot' : undefined) || state.users.get(id)?.real_name || state.users.get(id)?.name || id || 'Unknown';
