package doctor

import (
	"strings"
	"testing"

	"github.com/stsleuth/stsleuth/internal/accounts"
)

// Log groups of other accounts are good where they can be read, by a link or with
// that account's role, and are told with what would open them where not.
func TestLogGroupsOfOtherAccounts(t *testing.T) {
	const theirs, arn = "  - {name: org-events, region: " + region + `, account: "` + member + `", linked: `, "arn:aws:logs:" + region + ":" + member + ":log-group:org-events"
	both := accounts.Map{myself: {}, member: {RoleARN: "arn:aws:iam::" + member + ":role/stsleuth-readonly", ExternalID: external}}
	away := func(w *world) {
		w.files["cloudtrail/trails.json"] = strings.NewReplacer("logs:"+region+":"+myself+":log-group:trail-logs", "logs:"+region+":"+member+":log-group:org-events",
			`"IsMultiRegionTrail":true`, `"IsMultiRegionTrail":true,"IsOrganizationTrail":true`).Replace(w.files["cloudtrail/trails.json"])
	}
	for name, tt := range map[string]struct {
		m      accounts.Map
		linked string
		spoil  func(*world)
		id     string
		state  State
		says   string
		fix    string
	}{
		"the trail's, out of reach":     {nil, "false", away, "aws.trail", Worth, "in account " + member + ", out of reach", "link it to account " + myself},
		"the trail's, linked":           {nil, "true", away, "aws.trail", Good, "org-events in account " + member + ", linked", ""},
		"the trail's, with a role":      {both, "false", away, "aws.trail", Good, "in account " + member + ", read with that account's role", ""},
		"the applications', linked":     {nil, "true", nil, "aws.log-groups", Good, "2 log groups, 1 of them of linked accounts", ""},
		"the applications', not linked": {nil, "false", nil, "aws.log-groups", Good, "1 log group.", ""},
		"listing linked ones refused": {nil, "true", func(w *world) {
			w.faults = append(w.faults, `{action: "logs:DescribeLogGroups", error: InvalidParameterException, times: 1}`)
		}, "aws.log-groups", Good, "1 log group.", ""},
		"a configured one, linked":       {nil, "true", func(w *world) { w.setup.AWS.LogGroups = []string{arn, "/prod/app"} }, "aws.log-groups", Good, "All 2", ""},
		"a configured one with a role":   {both, "false", func(w *world) { w.setup.AWS.LogGroups = []string{arn, "/prod/app"} }, "aws.log-groups", Good, "All 2", ""},
		"a configured one, out of reach": {nil, "false", func(w *world) { w.setup.AWS.LogGroups = []string{arn} }, "aws.log-groups", Missing, "no way to the log group " + arn, "Put account " + member},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.files["logs/logs.yaml"] += theirs + tt.linked + "}\n"
			if tt.spoil != nil {
				tt.spoil(w)
			}
			seen := false
			for _, r := range w.examine(t, tt.m) {
				if strings.HasPrefix(r.Group, "AWS "+member) {
					continue
				}
				if r.ID == tt.id {
					seen = true
					if r.State != tt.state || !strings.Contains(r.Found, tt.says) || !strings.Contains(r.Fix, tt.fix) {
						t.Errorf("%s is %s: %s\n%s", r.ID, r.State, r.Found, r.Fix)
					}
				} else if r.State != Good {
					t.Errorf("%s is %s too: %s", r.ID, r.State, r.Found)
				}
			}
			if !seen {
				t.Errorf("there is no line %s", tt.id)
			}
		})
	}
}

// Whether a log group of another account can be read is not known while AWS does
// not answer: that is not said as if there were no way.
func TestLogGroupsOfOtherAccountsAreNotJudgedInAnOutage(t *testing.T) {
	w := newWorld()
	w.files["logs/logs.yaml"] += "  - {name: org-events, region: " + region + `, account: "` + member + `", linked: true}` + "\n"
	w.files["cloudtrail/trails.json"] = strings.Replace(w.files["cloudtrail/trails.json"], "logs:"+region+":"+myself+":log-group:trail-logs", "logs:"+region+":"+member+":log-group:org-events", 1)
	w.setup.AWS.LogGroups = []string{"arn:aws:logs:" + region + ":" + member + ":log-group:org-events"}
	w.faults = append(w.faults, `{action: "logs:DescribeLogGroups", error: InternalFailure}`)
	seen := 0
	for _, r := range w.examine(t, nil) {
		if r.ID == "aws.trail" || r.ID == "aws.log-groups" {
			seen++
			if r.State != Worth || !strings.Contains(r.Found, "is not known (") {
				t.Errorf("%s is %s: %s", r.ID, r.State, r.Found)
			}
		}
	}
	if seen != 2 {
		t.Errorf("%d lines", seen)
	}
}
