// Package slackemu is a local Slack: the server side of one workspace, in
// memory, for one app. In come a bot's Web API calls, its Socket Mode
// connections and what people do (type, click, submit); out go Slack's
// answers, envelopes, and the messages as Slack would have stored them.
//
// Start reading at [New] in server.go (the routes), then webapi.go (the path of
// one Web API call), socket.go (the life of a connection) and delivery.go (the
// path of one envelope).
//
// # Addresses
//
//	/api/{method}            Web API; form, JSON or multipart, as Slack takes them
//	/link/?ticket=…&app_id=… Socket Mode, after apps.connections.open
//	/commands/…  /actions/…  response URLs
//	/upload/v1/…             step two of an upload
//	/_emu/…                  the controls below
//	/                        the page, which uses nothing but the controls
//
// # Controls
//
// JSON in, JSON out. A refused control answers 4xx with
// {"error":"code","message":"a sentence for people"}. Requests that a browser
// sends from another origin are refused. User and channel are always ids.
//
//	GET  /_emu/workspace
//	  {"team":{"id","name","domain"},
//	   "users":[{"id","name","real_name","is_bot",…Slack's fields}],
//	   "channels":[{"id","name","is_channel","is_im","is_private","is_archived","is_member","is_ext_shared",
//	                "topic":{"value"},"user" (the other side of a DM),"members":[ids],…Slack's fields}],
//	   "app":{"id","name","bot_id","bot_user_id","bot_token","app_token","scopes":[…],
//	          "commands":[{"command","description","usage_hint"}],
//	          "shortcuts":[{"callback_id","name"}]},
//	   "now":"1700000000.000000"}   the emulator's clock
//	  Channels of the default workspace: one each of public, private, without
//	  the bot, archived, shared with another company; a DM with the bot and a DM
//	  between two people.
//
//	POST /_emu/say {"user","channel","text","thread_ts"?}
//	  Types a line. A plain line answers {"channel","ts"}. "@name" becomes a
//	  mention; a mention of the bot becomes an app_mention event.
//	  A line that begins with "/" is a slash command and answers a delivery
//	  (below) once the app acknowledged or 3 s are over. "/invite @bot" is
//	  Slack's own and adds the bot to the channel: {"channel","ts"}.
//	  In a thread a command is refused: 400 {"error":"not_supported_in_threads","message":…}.
//	  A command that failed also leaves an ephemeral line of Slackbot's for the user.
//
//	POST /_emu/click {"user","channel","ts","action_id","block_id"?,"value"?}
//	                 or {"user","view_id","action_id","block_id"?,"value"?} inside a modal
//	  Uses an interactive element that the stored message or view has; answers a
//	  delivery. A button's value comes from the stored JSON; "value" picks one of
//	  several (the option of a select or overflow, "YYYY-MM-DD" of a datepicker,
//	  an id of a users_select, a list for multi selects and checkboxes, the value of
//	  one of the two feedback buttons; left out it is the positive one; for an
//	  external select {"text":"…","value":"…"}). A confirm dialog counts as confirmed.
//	  404 {"error":"message_not_found"|"action_not_found"|"option_not_found"|"view_not_found",…}
//
//	POST /_emu/shortcut {"user","channel","ts","callback_id"}    delivery
//
//	GET  /_emu/views[?user=U…]
//	  {"views":[{"id","user","type","callback_id","title","submit","close","blocks":[…],"private_metadata",
//	             "state":{"values":{}},"hash","root_view_id","previous_view_id",
//	             "errors":{block_id:text} (the app's answer to the last submit),…}]}
//	  Open views, of each user the visible one last.
//	POST /_emu/submit {"user","view_id","values":{block_id:{action_id:value}}}   delivery
//	  A value is a string (text, an option's value, a date, an id), a list of
//	  strings, {"text","value"} for an external select, or Slack's own state object; {block_id:value} is
//	  enough where the block has one element. What is left out keeps its initial
//	  value. A required input left empty is refused as Slack's client does:
//	  400 {"error":"missing_input","message":…,"errors":{block_id:text}}. If the app
//	  answers with errors the delivery carries "errors" and the view stays open.
//	POST /_emu/close_view {"user","view_id","clear"?}
//	  {"closed":[ids]}; sends view_closed where the view asked for it, and adds the delivery.
//	POST /_emu/suggest {"user","action_id","block_id"?,"query", and "view_id" or "channel"+"ts"}
//	  Asks the app for the options of an external select: a delivery with
//	  "options":[{"text","value"}] or "option_groups":[{"label","options"}].
//
//	A delivery is
//	  {"envelope_id","acked":bool,"ack_ms":int,"ack_payload":{…}|null,"error":""|"operation_timeout"|"dispatch_failed"|…,
//	   "connection":"c1"}
//	"dispatch_failed" means that no connection was open.
//
//	GET  /_emu/messages?channel=C…[&thread_ts=…][&user=U…]
//	  {"messages":[message…],"statuses":[{"thread_ts","status","loading_messages"}]}
//	  Oldest first; without thread_ts the channel as its readers see it (parents
//	  and broadcast replies), with thread_ts the parent and its replies; with user
//	  also what only that user sees. A message is Slack's JSON:
//	  {"type":"message","subtype"?,"channel","ts","user","bot_id"?,"app_id"?,"team","text","blocks"?,"attachments"?,
//	   "thread_ts"?,"parent_user_id"?,"reply_count"?,"reply_users"?,"latest_reply"?,
//	   "metadata"?,"edited":{"user","ts"}?,"reactions":[{"name","count","users"}]?,
//	   "files":[{"id","name","title","mimetype","size","url_private","alt_txt"?,…}]?,
//	   "bot_profile"?,
//	   "ephemeral_to":"U…"?        seen by that user only
//	   "versions":[{"text","blocks","attachments","metadata","ts"}…]?   earlier ones, oldest first; ts = when it was replaced}
//	  A deleted parent that has replies stays with subtype "tombstone".
//	GET  /_emu/files/{id}             the bytes
//
//	GET  /_emu/calls[?method=…]
//	  {"calls":[{"n","method","args":{…},"status":200,"answer":{…},"at":RFC 3339,"ms","fault":bool?}],"dropped":0}
//	  Tokens are cut. Response URLs are listed as "response_url", uploads as "upload".
//	GET  /_emu/sockets
//	  {"connections":[{"id":"c1","opened","open":bool,"half_open":bool,"sent","acked","timed_out","foreign_acks","closed_with"?}],
//	   "sent","acked","timed_out","foreign_acks","opens"}   opens = answered apps.connections.open calls
//	GET  /_emu/envelopes[?id=…]
//	  {"envelopes":[{"envelope_id","type","connection","at","attempts","acked","ack_ms","ack_payload","error","envelope":{…}}],"dropped":0}
//
//	POST /_emu/disconnect {"reason","connection"?,"on_connect"?}
//	  {"connections":[ids]}. Reasons: refresh_requested, warning (closes about 10 s
//	  later), too_many_websockets, link_disabled. All connections unless one is named. With
//	  "on_connect" every connection from now on gets it right after hello, until
//	  DELETE /_emu/disconnect.
//	POST /_emu/halfopen {"connection"?}          {"connections":[ids]}; nothing passes any more, either way
//	POST /_emu/redeliver {"envelope_id"}         delivery
//	POST /_emu/fault {"method","status"?,"error"?,"retry_after"?,"delay"?,"after_commit"?,"times"?,"channel"?}
//	  {"faults":[…]}. method "*" is any call; "response_url" and "upload" work too.
//	  delay is "2s" or seconds; alone it only slows. With after_commit the call is carried
//	  out and then fails; with neither status nor error the connection is cut
//	  without an answer. times: that many calls; left out, until cleared.
//	GET  /_emu/fault  lists, DELETE /_emu/fault  clears.
//	POST /_emu/limits {"on":bool}                {"on"}
//	POST /_emu/clock {"advance":"30m"}           {"now":"1700001800.000000"}
//	POST /_emu/channel {"channel","is_member"?,"is_archived"?,"is_ext_shared"?}   changes a channel; {"channel":{…}}
//	POST /_emu/delete {"channel","ts"}           a person deletes a message; {"channel","ts"}
//	POST /_emu/react {"user","channel","ts","name","remove"?}   {"channel","ts"}
//
//	GET  /_emu/stream     text/event-stream; one "data: {…}" line a change:
//	  {"type":"message"|"message_changed"|"message_deleted","channel","ts","thread_ts"?,"user"? (ephemeral: only for that user)}
//	      message_changed also when a reply changed a parent's counts and when reactions changed
//	  {"type":"status","channel","thread_ts"}
//	  {"type":"view_opened"|"view_changed"|"view_closed","user","view_id"}
//	  {"type":"channel","channel"}                     membership or state changed, or a DM was opened
//	  {"type":"envelope","envelope_id","state":"sent"|"acked"|"timed_out"|"dispatch_failed"}
//	  {"type":"socket","connections":2}
//	  {"type":"resync"}                                the reader was too slow: read everything again
//	  The line ": hello" is sent at once, ": ping" every 15 s.
//
// # What differs from Slack
//
// Any command, shortcut and action is delivered, whether the app registered it
// or not. An acknowledgement counts only on the connection that carried the
// envelope (Slack does not say; this is the strict reading, see
// [Options].LenientAcks). The burst of chat.postMessage is five messages. A half-open connection loses
// traffic both ways. An envelope that no connection takes is not kept for later
// (events are tried again). A reply to a parent that is gone lands in the channel.
// Not emulated, but available as faults: edit_window_closed, block_mismatch,
// token rotation, streaming messages. Continuation frames are put together,
// where Slack drops them. An option's text may have 75 characters and a
// container only the children that Slack's validator is reported to take.
package slackemu
