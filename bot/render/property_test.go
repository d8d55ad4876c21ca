package render_test

import (
	"errors"
	"flag"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/stsleuth/stsleuth/bot/render"
	"github.com/stsleuth/stsleuth/playbook"
)

// hostile are strings that would do something if a message let them.
var hostile = []string{
	"<!here>", "<!channel>", "<!everyone>", "<@U0VICTIM>", "<#C0GENERAL>", "<!subteam^S0TEAM>", "@here", "@channel",
	"<!date^1^{date}^https://evil.example|click>", "<https://evil.example|console.aws.amazon.com>", "https://evil.example/login", "javascript:alert(1)", "<javascript:alert(1)|x>",
	"https://console.aws.amazon.com.evil.example/", "https://evil.example#.console.aws.amazon.com", "https://user@console.aws.amazon.com/", "https://console.aws.amazon.com@evil.example/",
	"https://console.aws.amazon.com/a|b>c", "http://console.aws.amazon.com/", "https://acme.slack.com/services/x", "https://evil.slack.com.example/archives/C1/p1", "//evil.example",
	"`code`", "```\nfence\n```", "*bold* _it_ ~no~", "&lt;!here&gt;", "&amp;lt;", "a & b < c > d", ":fire:", "[x](https://evil.example)",
	"left\u202eright", "\u2066isolate\u2069", "zero\u200bwidth\u200d\ufeff", "tag\U000E0041s", "bell\x07esc\x1b[31m", "nul\x00byte", "bad\xff\xfeutf8", "line\u2028sep\u2029", "soft\u00adhyphen", "\u115f\u3164filler", "vs\ufe0f",
	"\n\n\n", "\t", " ", "", "-", "{{.}}", "%s%n", "\\u003c!here\\u003e", `"quotes"`, "'", "\U0001F468\u200D\U0001F4BB",
	"AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
}

// secrets must not come out anywhere.
var secrets = []string{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG", "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"}

func hold(t interface {
	Helper()
	Errorf(string, ...any)
}, list []named) {
	t.Helper()
	for _, n := range list {
		for kind, m := range map[string]render.Message{"": n.msg, " in the classic form": render.Classic(n.msg)} {
			for i, f := range faults(m) {
				if i == 5 {
					break
				}
				t.Errorf("%s%s: %s", n.name, kind, cutTo(f, 500))
			}
			for _, s := range secrets {
				if strings.Contains(string(wire(m)), s) {
					t.Errorf("%s%s tells %s", n.name, kind, s)
				}
			}
		}
	}
}

func TestNothingLiveComesOutOfHostileText(t *testing.T) {
	for i, h := range hostile {
		f := filler{rnd: rand.New(rand.NewPCG(1, uint64(i))), text: func() string { return h }, rows: 3}
		for _, state := range []playbook.State{playbook.Accepted, playbook.Running, playbook.Finished, playbook.Stopped, playbook.Failed} {
			hold(t, everything(f.investigation(state)))
		}
		hold(t, answersWith(h))
		form := render.AskForm(render.Prefill{Role: h, Region: h, Problem: h, Meta: h}, []string{"eu-west-1", "x" + h})
		for _, f := range append(viewFaults(form), viewFaults(render.FeedbackForm(h))...) {
			t.Errorf("form with %q: %s", h, f)
		}
	}
}

// answersWith are the answers that take text rather than an investigation.
func answersWith(s string) []named {
	out := []named{{"help", render.Help("/sts-expired")}, {"busy", render.Busy()}, {"gone", render.Gone("/sts-expired")}, {"thanks", render.Thanks()}, {"sorry", render.Sorry(s)},
		{"bad-input", render.BadInput("/sts-expired", &playbook.InputError{What: "role", Problem: s, Hint: s})}, {"bad-input-unknown", render.BadInput("/sts-expired", errors.New(s))},
		{"list-empty", render.List("/sts-expired", nil)}, {"status-empty", render.Status("/sts-expired", nil)}}
	for why, name := range []string{render.NotMember: "not-member", render.DirectChat: "direct-chat", render.Archived: "archived",
		render.ReadOnly: "read-only", render.Shared: "shared", render.ParentGone: "parent-gone"} {
		out = append(out, named{"refused-" + name, render.Refused(render.CannotPost(why), s)})
	}
	return out
}

// Whatever an investigation holds, no message breaks a limit. The number of
// investigations is bounded; -rapid.checks tries more.
func TestLimitsHoldForExtremeInvestigations(t *testing.T) {
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		if err := f.Value.Set("15"); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SampledFrom([]int{0, 1, 5, 13, 101, 2500}).Draw(t, "rows")
		length := rapid.SampledFrom([]int{0, 1, 20, 150, 1500}).Draw(t, "characters")
		if rows > 13 {
			length = min(length, 20+130*(101/rows)) // bounded work; each extreme is met with small others
		}
		alphabet := rapid.SampledFrom([]string{"a", "<", "é", "\U0001F525", "\"", "word ", "a\n", "\u202e"}).Draw(t, "alphabet")
		f := filler{
			rnd:  rand.New(rand.NewPCG(2, rapid.Uint64().Draw(t, "seed"))),
			text: func() string { return strings.Repeat(alphabet, length) },
			rows: rows,
		}
		state := rapid.SampledFrom([]playbook.State{playbook.Finished, playbook.Accepted, playbook.Running, playbook.Finished, playbook.Stopped, playbook.Failed}).Draw(t, "state")
		hold(t, everything(f.investigation(state)))
	})
}
