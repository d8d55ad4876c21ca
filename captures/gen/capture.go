package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// incident is one capture: what is asked, what is right, and what happened.
type incident struct {
	name, title  string
	what, source string // for the README: what happened, and the issue or page that it comes from
	now          string // the moment at which the command is typed
	role, region string // what is asked
	window       string // "" is the default
	expect       expect
	build        func(*capture)
}

// expect is the diagnosis that is right.
type expect struct {
	primary string
	also    []string
	may     []string
	never   []string
	blind   bool              // without a primary: too little can be seen to say that nothing fits
	steps   map[string]string // statuses that must come out
}

func (e expect) verdict() string {
	switch {
	case len(e.also) > 0:
		return "several-causes"
	case e.primary != "":
		return "cause-found"
	case e.blind:
		return "insufficient-evidence"
	}
	return "no-correlation"
}

func (e expect) causes() []string {
	if e.primary == "" {
		return []string{e.verdict()}
	}
	return append([]string{e.primary}, e.also...)
}

// The accounts that are asked about and the one that asks in cross-account
// captures: numbers as AWS's documentation uses them.
const (
	home    = "111122223333"
	partner = "444455556666"
)

// capture is what AWS would have answered.
type capture struct {
	incident
	now       time.Time
	partition string
	rng       *rand.Rand

	roles    []*role
	policies []policy
	users    []*user
	saml     []map[string]any
	oidc     []map[string]any
	tokens   int // version of the global endpoint's tokens
	trails   []*trail
	records  []record
	groups   []*group
	events   []map[string]any // AWS Health
	noHealth bool             // the support plan does not include the Health API
	faults   []string         // lines of faults.yaml
}

func newCapture(in incident) *capture {
	now, err := time.Parse(time.RFC3339, in.now)
	if err != nil {
		panic(in.name + ": " + err.Error())
	}
	h := fnv.New64a()
	h.Write([]byte(in.name))
	c := &capture{incident: in, now: now, partition: "aws", rng: rand.New(rand.NewPCG(h.Sum64(), 1)), tokens: 2}
	switch {
	case strings.HasPrefix(in.region, "cn-"):
		c.partition = "aws-cn"
	case strings.HasPrefix(in.region, "us-gov-"):
		c.partition = "aws-us-gov"
	}
	return c
}

// ago is a moment before the command was typed: "3h20m".
func (c *capture) ago(d string) time.Time { return c.now.Add(-length(d)) }

func length(d string) time.Duration {
	v, err := time.ParseDuration(d)
	if err != nil {
		panic(err)
	}
	return v
}

// globalRegion is where the partition's IAM writes its records.
func (c *capture) globalRegion() string {
	return map[string]string{"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}[c.partition]
}

const idLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

// id makes an id of n letters after a prefix, as IAM's are.
func (c *capture) id(prefix string, n int) string {
	b := []byte(prefix)
	for range n {
		b = append(b, idLetters[c.rng.IntN(len(idLetters))])
	}
	return string(b)
}

func (c *capture) hex(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = "0123456789abcdef"[c.rng.IntN(16)]
	}
	return string(b)
}

func (c *capture) uuid() string {
	h := c.hex(32)
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:]
}

// policy is a policy document.
type policy = map[string]any

func statement(effect string, principal any, action any, condition map[string]any) map[string]any {
	s := map[string]any{"Effect": effect, "Action": action}
	if principal != nil {
		s["Principal"] = principal
	} else {
		s["Resource"] = "*"
	}
	if condition != nil {
		s["Condition"] = condition
	}
	return s
}

func document(statements ...map[string]any) policy {
	return policy{"Version": "2012-10-17", "Statement": statements}
}

// trusting is a trust policy that lets AWS principals in.
func trusting(arns ...string) policy {
	var who any = arns
	if len(arns) == 1 {
		who = arns[0]
	}
	return document(statement("Allow", map[string]any{"AWS": who}, "sts:AssumeRole", nil))
}

func trustingService(service string) policy {
	return document(statement("Allow", map[string]any{"Service": service}, "sts:AssumeRole", nil))
}

// text is a document as a request carries it.
func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// role is a role as `aws iam get-role` prints it, with the policies beside it.
type role struct {
	Path, RoleName, RoleId, Arn string
	CreateDate                  string
	AssumeRolePolicyDocument    policy
	MaxSessionDuration          int
	PermissionsBoundary         map[string]string `json:",omitempty"`
	InlinePolicies              []map[string]any
	AttachedPolicies            []map[string]string
}

const cliTime = "2006-01-02T15:04:05-07:00"

// addRole makes a role of the asked account; name may carry a path.
func (c *capture) addRole(name string, max int, trust policy) *role {
	r := c.someRole(home, name)
	r.MaxSessionDuration, r.AssumeRolePolicyDocument = max, trust
	c.roles = append(c.roles, r)
	return r
}

// someRole is a role that is not (or not any more) in the asked account.
func (c *capture) someRole(account, name string) *role {
	path, base := "/", name
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		path, base = "/"+strings.TrimPrefix(name[:i+1], "/"), name[i+1:]
	}
	return &role{Path: path, RoleName: base, RoleId: c.id("AROA", 17), Arn: c.arn("iam", account, "role"+path+base),
		CreateDate: "2025-03-04T10:11:12+00:00", MaxSessionDuration: 3600, InlinePolicies: []map[string]any{}, AttachedPolicies: []map[string]string{}}
}

func (c *capture) arn(service, account, rest string) string {
	return "arn:" + c.partition + ":" + service + "::" + account + ":" + rest
}

func (r *role) inline(name string, doc policy) {
	r.InlinePolicies = append(r.InlinePolicies, map[string]any{"PolicyName": name, "PolicyDocument": doc})
}

func (r *role) account() string { return strings.Split(r.Arn, ":")[4] }

// addPolicy makes a customer-managed policy and gives its ARN.
func (c *capture) addPolicy(name string, doc policy) string {
	arn := c.arn("iam", home, "policy/"+name)
	c.policies = append(c.policies, policy{"Arn": arn, "PolicyName": name, "DefaultVersionId": "v1",
		"Versions": []any{map[string]any{"VersionId": "v1", "CreateDate": "2025-03-04T10:11:12+00:00", "Document": doc}}})
	return arn
}

type user struct {
	UserName, Arn, UserId, CreateDate string
	MFADevices                        []map[string]string
	AccessKeys                        []map[string]string
}

// addUser makes an IAM user with one access key.
func (c *capture) addUser(name string) *user {
	u := &user{UserName: name, Arn: c.arn("iam", home, "user/"+name), UserId: c.id("AIDA", 17), CreateDate: "2024-05-06T07:08:09+00:00",
		MFADevices: []map[string]string{}, AccessKeys: []map[string]string{{"AccessKeyId": c.id("AKIA", 16), "Status": "Active", "CreateDate": "2024-05-06T07:08:09+00:00"}}}
	c.users = append(c.users, u)
	return u
}

func (u *user) key() string { return u.AccessKeys[0]["AccessKeyId"] }

// trail is a trail as the capture format has it.
type trail struct {
	Name, HomeRegion, TrailARN                                          string
	IsMultiRegionTrail, IncludeGlobalServiceEvents, IsOrganizationTrail bool
	CloudWatchLogsLogGroupArn                                           string
	Status                                                              map[string]any
	EventSelectors                                                      []map[string]any
	AdvancedEventSelectors                                              []map[string]any
}

// addTrail makes a trail that records everything of all regions.
func (c *capture) addTrail(region string) *trail {
	delivered := c.ago("4m").Format(cliTime)
	t := &trail{Name: "management-events", HomeRegion: region, TrailARN: "arn:" + c.partition + ":cloudtrail:" + region + ":" + home + ":trail/management-events",
		IsMultiRegionTrail: true, IncludeGlobalServiceEvents: true,
		CloudWatchLogsLogGroupArn: "arn:" + c.partition + ":logs:" + region + ":" + home + ":log-group:cloudtrail/management-events:*",
		Status:                    map[string]any{"IsLogging": true, "StartLoggingTime": "2024-02-01T08:00:00+00:00", "LatestDeliveryTime": delivered, "LatestCloudWatchLogsDeliveryTime": delivered},
		EventSelectors:            []map[string]any{{"ReadWriteType": "All", "IncludeManagementEvents": true, "DataResources": []any{}, "ExcludeManagementEventSources": []any{}}},
		AdvancedEventSelectors:    []map[string]any{}}
	c.trails = append(c.trails, t)
	return t
}

// addHealth makes an AWS Health issue.
func (c *capture) addHealth(service, region, code, state string, start time.Time, words string) {
	e := map[string]any{"arn": fmt.Sprintf("arn:%s:health:%s::event/%s/%s/%s_%s", c.partition, region, service, code, code, c.hex(12)),
		"service": service, "eventTypeCode": code, "eventTypeCategory": "issue", "eventScopeCode": "PUBLIC", "region": region,
		"startTime": start.Format(cliTime), "lastUpdatedTime": start.Add(20 * time.Minute).Format(cliTime), "statusCode": state,
		"eventDescription": map[string]string{"latestDescription": words}}
	if state == "closed" {
		e["endTime"] = start.Add(90 * time.Minute).Format(cliTime)
	}
	c.events = append(c.events, e)
}

func (c *capture) fault(format string, args ...any) {
	c.faults = append(c.faults, "  - "+fmt.Sprintf(format, args...))
}

// write writes the capture's files below dir.
func (c *capture) write(dir string) error {
	files := map[string][]byte{"incident.yaml": c.incidentYAML()}
	put := func(name string, v any) {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", " ")
		if err := enc.Encode(v); err != nil {
			panic(err)
		}
		files[name] = b.Bytes()
	}
	put("iam/roles.json", map[string]any{"Roles": c.roles})
	put("iam/account-summary.json", map[string]any{"SummaryMap": map[string]int{"Roles": len(c.roles), "Users": len(c.users), "Policies": len(c.policies),
		"Providers": len(c.saml) + len(c.oidc), "AccountMFAEnabled": 1, "AccountAccessKeysPresent": 0, "GlobalEndpointTokenVersion": c.tokens}})
	if len(c.policies) > 0 {
		put("iam/policies.json", map[string]any{"Policies": c.policies})
	}
	if len(c.users) > 0 {
		put("iam/users.json", map[string]any{"Users": c.users})
	}
	if len(c.saml) > 0 {
		put("iam/saml-providers.json", map[string]any{"SAMLProviderList": c.saml})
	}
	if len(c.oidc) > 0 {
		put("iam/oidc-providers.json", map[string]any{"OpenIDConnectProviders": c.oidc})
	}
	if len(c.trails) > 0 {
		put("cloudtrail/trails.json", map[string]any{"Trails": c.trails})
	}
	if !c.noHealth {
		put("health.json", map[string]any{"Events": append([]map[string]any{}, c.events...), "SubscriptionRequired": false})
	}
	if len(c.faults) > 0 {
		files["faults.yaml"] = []byte("faults:\n" + strings.Join(c.faults, "\n") + "\n")
	}
	if len(c.records) > 0 {
		files["cloudtrail/events.jsonl.gz"] = c.eventFile()
	}
	if len(c.groups) > 0 {
		var yaml strings.Builder
		yaml.WriteString("groups:\n")
		for i, g := range c.groups {
			file := fmt.Sprintf("%02d.jsonl", i+1)
			yaml.WriteString(g.yaml(file))
			if len(g.lines) > 0 {
				files["logs/"+file] = g.events()
			}
		}
		files["logs/logs.yaml"] = []byte(yaml.String())
	}
	for name, data := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (c *capture) incidentYAML() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "format: 1\ntitle: %s\nnow: %s\naccount: %q\npartition: %s\nask:\n  role: %q\n  region: %s\n", c.title, c.incident.now, home, c.partition, c.role, c.region)
	if c.window != "" {
		fmt.Fprintf(&b, "  window: %s\n", c.window)
	}
	e := c.expect
	fmt.Fprintf(&b, "expect:\n  verdict: %s\n", e.verdict())
	if e.primary != "" {
		fmt.Fprintf(&b, "  primary: %s\n", e.primary)
	}
	for _, list := range []struct {
		key string
		ids []string
	}{{"also", e.also}, {"may", e.may}, {"never", e.never}} {
		if len(list.ids) > 0 {
			fmt.Fprintf(&b, "  %s: [%s]\n", list.key, strings.Join(list.ids, ", "))
		}
	}
	if len(e.steps) > 0 {
		var parts []string
		for id, status := range e.steps {
			parts = append(parts, id+": "+status)
		}
		slices.Sort(parts)
		fmt.Fprintf(&b, "  steps: {%s}\n", strings.Join(parts, ", "))
	}
	return []byte(b.String())
}

// eventFile is the records as a gzip file whose header names no time and no system.
func (c *capture) eventFile() []byte {
	slices.SortStableFunc(c.records, func(a, b record) int { return strings.Compare(a.EventTime, b.EventTime) })
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	enc := json.NewEncoder(z)
	enc.SetEscapeHTML(false)
	for _, r := range c.records {
		if err := enc.Encode(r); err != nil {
			panic(err)
		}
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}
