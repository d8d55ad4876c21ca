package policy_test

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/stsleuth/stsleuth/internal/app"
	"github.com/stsleuth/stsleuth/internal/awsemu"
	"github.com/stsleuth/stsleuth/internal/capture"
	"github.com/stsleuth/stsleuth/internal/policy"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/followups"
)

// declared are the steps and follow-ups that declare an action, without the one
// action that AWS lets everybody do.
func declared(t *testing.T) (actions []string, by map[string][]string) {
	t.Helper()
	source := app.AWS{Config: aws.Config{Region: "eu-west-1"}}
	plan, err := source.Plan()
	if err != nil {
		t.Fatal(err)
	}
	by = map[string][]string{}
	note := func(who string, list []string) {
		for _, a := range list {
			if a != "sts:GetCallerIdentity" {
				by[a] = append(by[a], who)
			}
		}
	}
	for _, s := range plan {
		note(string(s.ID), s.Actions)
	}
	checks, err := source.FollowUps()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range checks {
		note(string(f.Offer), f.Actions)
	}
	return slices.Sorted(maps.Keys(by)), by
}

// investigate runs a whole investigation of a capture's question under a policy,
// and all follow-ups on it. What came out is by step and follow-up.
func investigate(t *testing.T, c *capture.Capture, document policy.Document, except ...playbook.Offer) map[string]playbook.Outcome {
	t.Helper()
	enforced, err := awsemu.ParsePolicy(document.JSON())
	if err != nil {
		t.Fatal(err)
	}
	emu := awsemu.New(c, awsemu.Options{Policy: enforced, QueryDuration: -1})
	defer emu.Close()
	target, err := playbook.ParseRole(c.Incident.Ask.Role)
	if err != nil {
		t.Fatal(err)
	}
	target.Region, target.Partition = c.Incident.Ask.Region, c.Incident.Partition
	source := app.AWS{Config: emu.Config(target.Region), Offline: true, StatusFeed: "http://aws.invalid/public/currentevents", HTTP: emu.Client()}
	plan, err := source.Plan()
	if err != nil {
		t.Fatal(err)
	}
	req := playbook.NewRequest("inv_policy", target, c.Incident.Now, cmp.Or(time.Duration(c.Incident.Ask.Window), playbook.DefaultWindow))
	ctx := context.WithoutCancel(t.Context())
	log := slog.New(slog.DiscardHandler)
	r, err := app.Investigate(ctx, plan, req, nil, log)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]playbook.Outcome{}
	for _, o := range r.Steps {
		out[string(o.Step)] = o
	}
	checks, err := source.FollowUps()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range checks {
		if slices.Contains(except, f.Offer) {
			continue
		}
		if out[string(f.Offer)], err = followups.Run(ctx, log, f, r); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func incidents(t *testing.T) map[string]*capture.Capture {
	t.Helper()
	dirs, err := capture.FindAll("testdata/captures")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*capture.Capture{}
	for _, dir := range dirs {
		c, err := capture.Load(t.Context(), dir, capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		out[filepath.Base(dir)] = c
	}
	return out
}

func TestAFullInvestigationPassesUnderTheGeneratedPolicy(t *testing.T) {
	actions, _ := declared(t)
	for name, c := range incidents(t) {
		d, err := policy.For(actions, policy.Scope{Partition: c.Incident.Partition, Account: c.Incident.Account})
		if err != nil {
			t.Fatal(err)
		}
		for who, o := range investigate(t, c, d) {
			for _, a := range o.Missing {
				if !faulted(c, a) {
					t.Errorf("%s: %s lacks %s under the generated policy", name, who, a)
				}
			}
			if o.Status == playbook.Broken {
				t.Errorf("%s: %s is broken: %s", name, who, o.Summary)
			}
		}
	}
}

// faulted: the capture itself denies the action, whatever the policy says.
func faulted(c *capture.Capture, action string) bool {
	return slices.ContainsFunc(c.Faults.Faults, func(f capture.Fault) bool { return f.Deny && f.Matches(action, "") })
}

// Taking any one action away is noticed by exactly the steps that declare it:
// they name it as missing. No other step is denied because of it.
func TestEveryActionOfThePolicyIsNeededByTheStepsThatDeclareIt(t *testing.T) {
	actions, by := declared(t)
	all := incidents(t)
	offers := []playbook.Offer{playbook.Extend48h, playbook.TokenRefresh, playbook.MFADevices, playbook.SessionPolicies, playbook.ChainLimits}
	for _, action := range actions {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			noticed := map[string]bool{}
			for name, c := range all {
				d, err := policy.For(actions, policy.Scope{Partition: c.Incident.Partition, Account: c.Incident.Account})
				if err != nil {
					t.Fatal(err)
				}
				// A longer window is the whole investigation once more.
				for who, o := range investigate(t, c, d.Without(action), playbook.Extend48h) {
					missing := slices.Contains(o.Missing, action)
					if missing && !slices.Contains(by[action], who) {
						t.Errorf("%s: %s asks for %s, which it does not declare", name, who, action)
					}
					if missing {
						noticed[who] = true
						if o.Status != playbook.Denied && o.Partial == "" && len(o.Unseen) == 0 && o.N > 0 {
							t.Errorf("%s: %s lacks %s, but does not say what it could not see", name, who, action)
						}
					}
					if o.Status == playbook.Denied && !missing && !slices.ContainsFunc(o.Missing, func(a string) bool { return faulted(c, a) }) {
						t.Errorf("%s: %s is denied without naming %s", name, who, action)
					}
				}
			}
			for _, who := range by[action] {
				// Stopping a query is good manners: one that may not be stopped ends by
				// itself, and nobody misses anything. A follow-up asks again only for what
				// the investigation did not bring.
				again := slices.Contains(offers, playbook.Offer(who)) && len(by[action]) > 1
				if !noticed[who] && action != "logs:StopQuery" && !again {
					t.Errorf("%s declares %s, and no incident shows what it needs it for", who, action)
				}
			}
		})
	}
}
