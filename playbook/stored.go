package playbook

import "time"

// How says what became of a command that asked for an investigation.
type How int

const (
	NotAccepted How = iota
	New             // a new investigation is stored and will run
	Joined          // one for the same account, role and region is still going on
	Recent          // one for the same account, role and region finished less than RecentFor ago
)

var howNames = names[How]{"not-accepted", "new", "joined", "recent"}

func (h How) String() string                { return howNames.of(h) }
func (h How) MarshalText() ([]byte, error)  { return howNames.marshal(h) }
func (h *How) UnmarshalText(b []byte) error { return howNames.unmarshal(h, b) }

// RecentFor is how long a finished investigation is offered before the same
// question starts a new one by itself.
const RecentFor = 10 * time.Minute

// Acceptance is the answer to a command.
type Acceptance struct {
	How How
	// Again: this very delivery had come before. How and Investigation are what it
	// was answered then, so that it can be answered the same once more.
	Again         bool
	Investigation Investigation // the new one, or the one that was found
}

// Filter picks investigations for a list. Its zero value picks all.
type Filter struct {
	Since, Until time.Time // accepted in this stretch; zero: no bound
	Role         string    // the role's name
	Channel      string
	State        State // Unstored: any
	Failed       bool  // Failed ones and those with a message that could not be told
	Feedback     bool  // those with feedback
	Limit        int   // at most this many, the newest first; 0: 50
}

// DeadLetter is a message that was given up on. It can be sent again.
type DeadLetter struct {
	Message Message   `json:"message"`
	Reason  string    `json:"reason"` // for people
	At      time.Time `json:"at"`
}

// Figures describe the stored state at one moment, for metrics and `status`.
type Figures struct {
	Going   int           // investigations and follow-ups that have not ended
	Waiting int           // messages not told yet, changes of the parent not counted
	Oldest  time.Duration // how long the oldest of them has waited
	Cards   int           // parents whose newest state is not shown yet
	Dead    int           // messages given up on
	Since   time.Time     // when this store began: later than expected means that it was emptied
}
