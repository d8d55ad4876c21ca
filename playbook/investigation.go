package playbook

import "time"

// Person is who asks or presses: ids of the chat workspace, opaque to us.
type Person struct {
	Team string `json:"team"`
	User string `json:"user"`
}

// Place is where an answer belongs. Thread is the parent's timestamp, "" for the
// channel itself.
type Place struct {
	Team    string `json:"team"`
	Channel string `json:"channel"`
	Thread  string `json:"thread,omitempty"`
}

// State is how far an investigation has come. The zero State is not a stored one.
type State int

const (
	Unstored State = iota
	Accepted       // stored and acknowledged, no worker yet
	Running
	Finished // it has a report
	Stopped  // by a person
	Failed   // could not be carried out or not be told; Investigation.Problem says why
)

var stateNames = names[State]{"unstored", "accepted", "running", "finished", "stopped", "failed"}

func (s State) String() string                { return stateNames.of(s) }
func (s State) MarshalText() ([]byte, error)  { return stateNames.marshal(s) }
func (s *State) UnmarshalText(b []byte) error { return stateNames.unmarshal(s, b) }

// Ended reports whether nothing more will happen by itself.
func (s State) Ended() bool { return s == Finished || s == Stopped || s == Failed }

// Investigation is the whole stored record of one question.
type Investigation struct {
	Request  Request   `json:"request"`
	State    State     `json:"state"`
	Problem  string    `json:"problem,omitempty"` // for people, set when State is Failed
	AskedBy  Person    `json:"asked_by"`
	Place    Place     `json:"place"`
	Accepted time.Time `json:"accepted"`
	Ended    time.Time `json:"ended"`
	// AnswerURL is the short-lived address at which the person who asked can be
	// answered without the bot being in the channel.
	AnswerURL string `json:"answer_url,omitempty"`

	Started  []StepID   `json:"started,omitempty"` // steps that have begun
	Steps    Outcomes   `json:"steps,omitempty"`   // steps that have settled
	Report   *Report    `json:"report,omitempty"`
	Posted   []Posted   `json:"posted,omitempty"`
	Presses  []Press    `json:"presses,omitempty"`
	Feedback []Feedback `json:"feedback,omitempty"`

	// Extends is the investigation whose window this one lengthens, or that this
	// one repeats; SupersededBy points the other way. ExtendsAt and SupersededAt
	// are the links to their cards, "" as long as they are not known.
	Extends      string `json:"extends,omitempty"`
	ExtendsAt    string `json:"extends_at,omitempty"`
	SupersededBy string `json:"superseded_by,omitempty"`
	SupersededAt string `json:"superseded_at,omitempty"`
	StoppedBy    Person `json:"stopped_by"`
}

// Posted is a message that is up: where, and a link to it.
type Posted struct {
	Message   MessageID `json:"message"`
	Channel   string    `json:"channel"`
	TS        string    `json:"ts"`
	Permalink string    `json:"permalink,omitempty"`
	At        time.Time `json:"at"`
}

// Link is the link to the parent, "" where it is not known.
func (i Investigation) Link() string {
	p, _ := i.Message(IDOf(ParentMessage, ""))
	return p.Permalink
}

// Message finds what was posted under an id.
func (i Investigation) Message(id MessageID) (Posted, bool) {
	for _, p := range i.Posted {
		if p.Message == id {
			return p, true
		}
	}
	return Posted{}, false
}

// MessageKind says what a message is; with the investigation and Ref it names
// the message, so that none is posted twice.
type MessageKind string

const (
	ParentMessage   MessageKind = "parent"    // the plan, later the diagnosis card
	EvidenceMessage MessageKind = "evidence"  // one a step; Ref is the step's id
	TraceMessage    MessageKind = "trace"     // all seven rules, last in the thread
	FollowUpMessage MessageKind = "follow-up" // Ref is the press's id
	FileMessage     MessageKind = "file"      // a report or an output too long for a message; Ref names it
	TimelineMessage MessageKind = "timeline"  // the picture
	NoteMessage     MessageKind = "note"      // one sentence in the thread (stopped, resumed); Ref names it
)

// MessageID names one message of one investigation: "evidence/sts-errors".
type MessageID string

// IDOf builds a message's id.
func IDOf(kind MessageKind, ref string) MessageID {
	if ref == "" {
		return MessageID(kind)
	}
	return MessageID(string(kind) + "/" + ref)
}

// Message is an intent to tell something. What it says is rendered when it is
// sent, from the stored investigation, so that a resend says the same.
type Message struct {
	Investigation string      `json:"investigation"`
	Kind          MessageKind `json:"kind"`
	Ref           string      `json:"ref,omitempty"`
	Place         Place       `json:"place"`
	// Extends, of a parent, is the investigation whose card gets the link to it.
	Extends string `json:"extends,omitempty"`
	// Update marks a change of a message that is already up (the parent): only
	// its newest state matters, so updates are coalesced, never queued up.
	Update bool `json:"update,omitempty"`
	// Version is the state of the investigation that an Update, or the parent's
	// first post, shows at least. The sender passes it back with what it posted.
	Version int64 `json:"version,omitempty"`
	// Attempt counts the claims of this message, this one included.
	Attempt int `json:"attempt,omitempty"`
	// Unsure: an earlier attempt may have reached the chat workspace. Look for the
	// message in the thread before posting it. A sender sets it when it asks for a
	// retry without knowing what became of the post.
	Unsure bool `json:"unsure,omitempty"`
}

// ID is the message's name within its investigation.
func (m Message) ID() MessageID { return IDOf(m.Kind, m.Ref) }

// Delivery names one delivery of the chat workspace. A delivery that comes
// again must have no second effect.
type Delivery struct {
	Envelope string `json:"envelope"`
	Trigger  string `json:"trigger"`
}

// Press is a button that somebody pressed, and what came of it.
type Press struct {
	ID     string    `json:"id"`
	Action string    `json:"action"` // an Offer, or rerun, stop, look-again, trace, report, feedback
	By     Person    `json:"by"`
	At     time.Time `json:"at"`
	Due    time.Time `json:"due"` // when it is to be done: At, or later for look-again
	State  State     `json:"state"`
	// Outcome is what a follow-up found, told in the thread; nil until it ended
	// and for presses that are no checks.
	Outcome *Outcome `json:"outcome,omitempty"`
	// Led is the investigation that the press started (extend, run again, look again).
	Led string `json:"led,omitempty"`
}

// Feedback is what a person thinks of a diagnosis.
type Feedback struct {
	By    Person    `json:"by"`
	At    time.Time `json:"at"`
	Right bool      `json:"right"`
	Why   string    `json:"why,omitempty"`
}
