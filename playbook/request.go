package playbook

import (
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/stsleuth/stsleuth/internal/redact"
)

// Request is one question, frozen when it is accepted: a step that is resumed
// an hour later still asks about the same stretch of time.
type Request struct {
	ID     string    `json:"id"`
	Target Target    `json:"target"`
	Window Window    `json:"window"`
	At     time.Time `json:"at"` // the moment the question was asked; every step's "now"
}

// Target is the role in question. Account and partition come from the ARN
// where one was given, else from the credentials that are asked.
type Target struct {
	Asked     string `json:"asked"` // as the person wrote it
	Role      string `json:"role"`  // name without path
	Path      string `json:"path"`  // "/" unless a path was given; "" when it is not known yet
	RoleARN   string `json:"role_arn"`
	Account   string `json:"account"`
	Partition string `json:"partition"` // aws, aws-cn, aws-us-gov
	Region    string `json:"region"`
}

// Window is the stretch that is judged, both ends included.
type Window struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Contains reports whether t lies inside the window.
func (w Window) Contains(t time.Time) bool { return !t.Before(w.From) && !t.After(w.To) }

// Length is how long the window is.
func (w Window) Length() time.Duration { return w.To.Sub(w.From) }

const (
	// DefaultWindow is what is looked at when nobody says otherwise.
	DefaultWindow = 24 * time.Hour
	// MinWindow and MaxWindow bound what can be asked for.
	MinWindow = time.Hour
	MaxWindow = 7 * 24 * time.Hour
	// LongestSession is the longest life AWS gives a role session; sessions are
	// looked up from this long before the window, because one issued then may
	// still be in use at its start.
	// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
	LongestSession = 12 * time.Hour
	// DeliveryLag is how late CloudTrail may be in ordinary operation: about
	// 5 minutes on average, 15 at times. The newest stretch of that length is
	// never called empty.
	// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html
	DeliveryLag = 15 * time.Minute
)

// NewID makes an investigation's id: opaque, unguessable, safe in a button's
// value, a Redis key and a file name.
func NewID() string {
	var b [10]byte
	rand.Read(b[:]) // never fails: crypto/rand aborts the program instead
	return "inv_" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:]))
}

// NewRequest freezes a question at the moment `at`, whole seconds UTC.
func NewRequest(id string, target Target, at time.Time, window time.Duration) Request {
	at = at.UTC().Truncate(time.Second)
	return Request{ID: id, Target: target, At: at, Window: Window{From: at.Add(-window), To: at}}
}

// InputError is a person's slip: what was wrong and, where one can be given, an
// example that works. Its text is written for the person who typed.
type InputError struct {
	What    string // "role", "region", "window", "time"
	Problem string
	Hint    string
}

func (e *InputError) Error() string {
	if e.Hint == "" {
		return e.Problem
	}
	return e.Problem + " " + e.Hint
}

// The characters of a role name and path are IAM's own allow-list.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
var (
	roleName = regexp.MustCompile(`^[A-Za-z0-9_+=,.@-]{1,64}$`)
	rolePath = regexp.MustCompile(`^/([\x21-\x2e\x30-\x7e]+/)*$`)
	roleARN  = regexp.MustCompile(`^arn:(aws|aws-cn|aws-us-gov):iam::([0-9]{12}):role(/.+)$`)
	stsARN   = regexp.MustCompile(`^arn:(aws|aws-cn|aws-us-gov):sts::([0-9]{12}):assumed-role/([A-Za-z0-9_+=,.@-]{1,64})(/[A-Za-z0-9_+=,.@-]{2,64})?$`)
)

// ParseRole reads a role as people write it: a name, a name with its path
// ("/team/payments-api" or "team/payments-api"), a role ARN, or the ARN of one
// of its sessions. The error is an *InputError.
func ParseRole(s string) (Target, error) {
	bad := func(problem string) (Target, error) {
		return Target{}, &InputError{What: "role", Problem: problem,
			Hint: "Give a role name, a name with its path, or a role ARN, for example payments-api or arn:aws:iam::111122223333:role/payments-api."}
	}
	t := Target{Asked: s}
	path := ""
	switch {
	case s == "":
		return bad("No role was given.")
	case len(s) > 700:
		return bad("That is too long to be a role.")
	case redact.String(s) != s:
		return bad("That looks like a secret, not like a role; it was not kept.") // a role's name may have any secret's letters
	case roleARN.MatchString(s):
		m := roleARN.FindStringSubmatch(s)
		t.Partition, t.Account, path = m[1], m[2], m[3]
		t.RoleARN = s
	case stsARN.MatchString(s):
		m := stsARN.FindStringSubmatch(s)
		// A session's ARN has lost the role's path, so the role's own ARN stays open.
		t.Partition, t.Account, t.Role = m[1], m[2], m[3]
		return t, nil
	case strings.HasPrefix(s, "arn:"):
		return bad("That ARN is not a role's.")
	case strings.Contains(s, "/"):
		path = "/" + strings.TrimPrefix(strings.TrimPrefix(s, "role/"), "/")
	default:
		path = s
	}
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		t.Path, t.Role = path[:i+1], path[i+1:]
		if t.Path == "/" && t.RoleARN == "" {
			t.Path = ""
		}
		if t.Path != "" && (len(t.Path) > 512 || !rolePath.MatchString(t.Path)) {
			return bad("The role's path has characters that IAM does not allow.")
		}
	} else {
		t.Role = path
	}
	if !roleName.MatchString(t.Role) {
		return bad("The role name may only have letters, digits and +=,.@_- and is at most 64 long.")
	}
	return t, nil
}

var windowText = regexp.MustCompile(`^(?:last)?\s*([0-9]{1,3})\s*(h|hr|hrs|hour|hours|d|day|days|w|week|weeks)$`)

// ParseWindow reads "24h", "48 hours", "last 2d", "1 week". The error is an *InputError.
func ParseWindow(s string) (time.Duration, error) {
	m := windowText.FindStringSubmatch(strings.ToLower(strings.TrimSpace(s)))
	var d time.Duration
	if m != nil {
		fmt.Sscanf(m[1], "%d", &d)
		switch m[2][0] {
		case 'd':
			d *= 24
		case 'w':
			d *= 7 * 24
		}
		d *= time.Hour
	}
	if d < MinWindow || d > MaxWindow {
		return 0, &InputError{What: "window", Problem: "The window must be between 1h and 7d.", Hint: "For example 24h, 48h or 7d."}
	}
	return d, nil
}
