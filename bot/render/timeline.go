package render

import (
	"regexp"
	"time"

	"github.com/stsleuth/stsleuth/playbook"
)

// onsetStamp is how the onset rule writes the moment, in its message.
var onsetStamp = regexp.MustCompile(`left its baseline at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC`)

// onset is when the failures began, where the rule could tell.
func onset(inv playbook.Investigation) (time.Time, bool) {
	if inv.Report == nil {
		return time.Time{}, false
	}
	for _, j := range inv.Report.Rules {
		if m := onsetStamp.FindStringSubmatch(j.Message); m != nil && j.Rule == playbook.Onset && j.Verdict == playbook.Supported {
			t, err := time.Parse(time.DateTime, m[1])
			return t, err == nil
		}
	}
	return time.Time{}, false
}

// TimelineMessage is the reply that carries the picture.
func TimelineMessage(inv playbook.Investigation) Message { return Message{} }
