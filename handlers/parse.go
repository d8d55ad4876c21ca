package handlers

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/stsleuth/stsleuth/playbook"
)

// Asked is what a typed line asks for, before it is checked.
type Asked struct {
	Role    string        // "" when there is none
	Account string        // that the role belongs to, where Role does not say it
	Region  string        // "" when there is none
	Window  time.Duration // 0 when none was given
	Pasted  bool          // the line is an error text, in which the rest was found
}

// MaxLine is how much of a line is read: Command and Shortcut cut it before they
// do anything else. Slack sends at most about 4,000 characters of a command and
// 40,000 of a message.
const MaxLine = 40_000

var (
	// arnInText finds the ARN of a role or of a session of it in any text.
	arnInText = regexp.MustCompile(`arn:(?:aws|aws-cn|aws-us-gov):(?:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]{1,576}|sts::[0-9]{12}:assumed-role/[A-Za-z0-9_+=,.@-]{1,64}(?:/[A-Za-z0-9_+=,.@-]{2,64})?)`)
	// sessionInText finds "assumed-role/name/session" where the ARN was cut.
	sessionInText = regexp.MustCompile(`\bassumed-role/([A-Za-z0-9_+=,.@-]{1,64})`)
	// regionInText has the shape of a region, in hosts and zones too.
	regionInText = regexp.MustCompile(`(?:^|[^a-z0-9])((?:us-gov|[a-z]{2})-[a-z]+-[0-9])[a-z]?(?:[^a-z0-9]|$)`)
	regionShaped = regexp.MustCompile(`^[a-z]{2,3}[-_ ]?[a-z]*[-_ ]?[a-z]+[-_ ]?[0-9]{1,2}[a-z]?$`)

	// errorText is what only an error message says.
	errorText = regexp.MustCompile(`(?i)expiredtoken|security token|accessdenied|access denied|not authorized to perform|error occurred|exception|invalidclienttokenid|unrecognizedclient|requestexpired|signaturedoesnotmatch|credential.{0,40}expired|status code:|token.{0,20}expired`)

	option  = regexp.MustCompile(`^-{0,2}(role|region|window)(?:[=:](.*))?$`)
	number  = regexp.MustCompile(`^[0-9]{1,4}$`)
	lasting = regexp.MustCompile(`^[0-9]{1,4}(?:h|hr|hrs|hour|hours|d|day|days|m|min|mins|minutes|w|week|weeks)$`)
)

// words that stand between the parts of a sentence.
var fillers = map[string]bool{"in": true, "for": true, "the": true, "of": true, "on": true, "at": true, "and": true,
	"last": true, "past": true, "since": true, "over": true, "please": true, "why": true, "did": true, "expire": true, "expired": true}

var units = map[string]bool{"h": true, "hr": true, "hrs": true, "hour": true, "hours": true, "d": true, "day": true, "days": true, "w": true, "week": true, "weeks": true}

// Parse reads a line as people write it: role, region and window in any order,
// with or without "in" and "last", or an error text that somebody pasted. The
// error is a *playbook.InputError.
func Parse(line string) (Asked, error) {
	line = strings.ToValidUTF8(line, " ")
	if isPasted(line) {
		return parsePasted(line), nil
	}
	return parseWords(strings.FieldsFunc(line, func(r rune) bool {
		return r == ' ' || r == ',' || r == ';' || r == '\t' || r == '\n' || r == '\r' || r == '\u00a0'
	}))
}

// isPasted tells an error text from a question: it says what only errors say.
func isPasted(line string) bool {
	words := strings.Fields(line)
	if len(words) < 3 {
		return false
	}
	return errorText.MatchString(line) || len(words) > 12
}

// parsePasted takes what an error text gives away. What it does not say stays
// empty: the form then asks for it.
func parsePasted(text string) Asked {
	a := Asked{Pasted: true}
	if arn := arnInText.FindString(text); arn != "" {
		a.Role = strings.TrimRight(arn, ".,")
	} else if m := sessionInText.FindStringSubmatch(text); m != nil {
		a.Role = strings.TrimRight(m[1], ".,")
	}
	if _, err := playbook.ParseRole(a.Role); err != nil {
		a.Role = ""
	}
	a.Region = regionIn(text)
	return a
}

// regionIn is the first region that a text names: alone, in a host, an ARN or
// as an availability zone.
func regionIn(text string) string {
	text = strings.ToLower(text)
	for len(text) > 0 {
		at := regionInText.FindStringSubmatchIndex(text)
		if at == nil {
			return ""
		}
		if r, err := playbook.ParseRegion(text[at[2]:at[3]]); err == nil {
			return r
		}
		text = text[at[3]:]
	}
	return ""
}

// parseWords reads a question word by word.
func parseWords(words []string) (Asked, error) {
	var a Asked
	var rest []string // neither region, window nor filler
	var problem error
	window := func(s string) {
		d, err := playbook.ParseWindow(s)
		switch {
		case err != nil:
			problem = errors.Join(problem, err)
		case a.Window != 0 && a.Window != d:
			problem = errors.Join(problem, &playbook.InputError{What: FieldWindow, Problem: "Two windows were given.", Hint: "Give one, for example 48h."})
		}
		a.Window = d
	}
	for i := 0; i < len(words); i++ {
		word := strings.Trim(words[i], "`'\"<>()")
		low := strings.ToLower(word)
		name, value := "", word
		if m := option.FindStringSubmatch(low); m != nil {
			name, value = m[1], word[len(word)-len(m[2]):]
			if m[2] == "" && i+1 < len(words) {
				i++
				value = strings.Trim(words[i], "`'\"<>()")
			} else if m[2] == "" {
				continue // "… role" at the end names nothing
			}
			low = strings.ToLower(value)
		}
		region, regionErr := playbook.ParseRegion(value)
		switch {
		case value == "":
		case name == FieldRole:
			rest = append([]string{value}, rest...)
		case name == FieldRegion:
			if regionErr != nil {
				return Asked{}, regionErr
			}
			a.Region = region
		case name == FieldWindow:
			window(low)
		case regionErr == nil && a.Region != "" && a.Region != region:
			return Asked{}, &playbook.InputError{What: FieldRegion, Problem: "Two regions were given: " + a.Region + " and " + region + ".", Hint: "Give the one in which the credentials are used."}
		case regionErr == nil:
			a.Region = region
		case lasting.MatchString(low):
			window(low)
		case number.MatchString(low) && i+1 < len(words) && units[strings.ToLower(words[i+1])]:
			window(low + strings.ToLower(words[i+1]))
			i++
		case number.MatchString(low) && i > 0 && name == "":
			problem = errors.Join(problem, &playbook.InputError{What: FieldWindow, Problem: value + " of what?", Hint: "Write a window with its unit, for example 24h, 48h or 7d."})
		case low == "day" && i > 0:
			window("24h")
		case low == "week" && i > 0:
			window("7d")
		case fillers[low] && len(words) > 1:
		default:
			rest = append(rest, value)
		}
	}
	if problem != nil {
		var first *playbook.InputError
		errors.As(problem, &first)
		return Asked{}, first
	}
	return a.assign(rest)
}

// assign tells which of the words left over is the role. A second one is what
// somebody meant to be the region.
func (a Asked) assign(rest []string) (Asked, error) {
	switch {
	case len(rest) == 0:
	case len(rest) == 1 && a.Region == "" && regionShaped.MatchString(strings.ToLower(rest[0])) && nearRegion(rest[0]):
		_, err := playbook.ParseRegion(rest[0])
		return Asked{}, err
	case len(rest) == 1:
		a.Role = rest[0]
	case len(rest) == 2 && a.Region == "":
		meant := rest[1]
		if nearRegion(rest[0]) && !nearRegion(rest[1]) {
			meant = rest[0]
		}
		_, err := playbook.ParseRegion(meant)
		return Asked{}, err
	default:
		return Asked{}, &playbook.InputError{What: FieldRole, Problem: "Which of these is the role: " + strings.Join(rest[:min(len(rest), 4)], ", ") + "?",
			Hint: "Give one role, one region and, if you like, how far back from now: payments-api eu-west-1 48h."}
	}
	return a, nil
}

// nearRegion reports whether a word was probably meant as a region: the same
// first part as the nearest one, and a digit at its end.
func nearRegion(word string) bool {
	word = strings.ToLower(word)
	if !regionShaped.MatchString(word) {
		return false
	}
	nearest := playbook.NearestRegion(word)
	return len(word) >= 2 && strings.HasPrefix(nearest, word[:2])
}

// Request checks what was asked and freezes it at a moment. Errors are
// *playbook.InputError.
func (a Asked) Request(at time.Time) (playbook.Request, error) {
	target, err := playbook.ParseRole(a.Role)
	if err != nil {
		return playbook.Request{}, err
	}
	if target.Region, err = playbook.ParseRegion(a.Region); err != nil {
		return playbook.Request{}, err
	}
	partition := playbook.Partition(target.Region)
	if target.Partition != "" && target.Partition != partition {
		return playbook.Request{}, &playbook.InputError{What: FieldRegion,
			Problem: fmt.Sprintf("The role is in partition %s, the region in %s; credentials never cross partitions.", target.Partition, partition)}
	}
	target.Partition = partition
	if target.Account == "" {
		target.Account = a.Account
	}
	window := a.Window
	if window == 0 {
		window = playbook.DefaultWindow
	}
	if window < playbook.MinWindow || window > playbook.MaxWindow {
		return playbook.Request{}, &playbook.InputError{What: FieldWindow, Problem: "The window must be between 1h and 7d.", Hint: "For example 24h, 48h or 7d."}
	}
	return playbook.NewRequest(playbook.NewID(), target, at, window), nil
}
