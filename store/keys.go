package store

// Every key of ours begins with the same hash tag, so that all of them live in
// one slot of a Cluster and any transition may touch any of them (docs/STATE.md
// weighs this). asynq's queue, named after the same tag, lands there too.
const (
	tag   = "{stsleuth}:"
	queue = "stsleuth" // asynq writes asynq:{stsleuth}:…
)

// One investigation.
func recordKey(id string) string { return tag + "record:" + id } // hash: everything about it
func threadKey(id string) string { return tag + "thread:" + id } // list: messages to post, in order

// What is going on. All scores are milliseconds of Redis's own clock.
func liveKey() string    { return tag + "live" }    // sorted set: runs, by last heartbeat (or when due)
func dueKey() string     { return tag + "due" }     // sorted set: threads with something to post, by when
func cardsKey() string   { return tag + "cards" }   // sorted set: parents to edit, by when
func waitingKey() string { return tag + "waiting" } // sorted set: messages not posted, by when queued
func deadKey() string    { return tag + "dead" }    // sorted set: messages given up on, by when
func paceKey() string    { return tag + "pace" }    // hash: when a channel or workspace may be written to again, AWS be asked again

// slotsKey is an account and region of AWS: hash, who has a query running there
// and who waits for one.
func slotsKey(place string) string { return tag + "slots:" + place }

// What has been answered.
func sameKey() string       { return tag + "same" }       // hash: account/role/region[/direct message] to the newest investigation
func answersKey() string    { return tag + "answers" }    // hash: delivery to the answer it got
func deliveriesKey() string { return tag + "deliveries" } // sorted set: deliveries, by when they came

// Indexes: sorted sets of investigations by when they were accepted.
func byTimeKey() string                  { return tag + "by:time" }
func byRoleKey(role string) string       { return tag + "by:role:" + role }
func byChannelKey(channel string) string { return tag + "by:channel:" + channel }
func byStateKey(state string) string     { return tag + "by:state:" + state }
func byFeedbackKey() string              { return tag + "by:feedback" }

// The data as a whole.
func schemaKey() string     { return tag + "schema" }     // string: version of all this
func generationKey() string { return tag + "generation" } // string: which incarnation of the data this is
