package planted

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Ground is everything that a stranger can write, planted with secrets. Beside
// each stands a harmless mark, one a place, so that it can be seen where each
// place's text comes out.
type Ground struct {
	Field
	Marks map[string]string // by place

	mu    sync.Mutex
	label string
	n     map[string]int // by place; guarded by mu
}

// NewGround is planted with secrets of that label.
func NewGround(label string) *Ground {
	return &Ground{label: label, Marks: map[string]string{}, n: map[string]int{}}
}

func (g *Ground) mark(place string) string {
	if g.Marks[place] == "" {
		g.Marks[place] = "plant" + from(g.label+place).draw(small, 10)
	}
	return g.Marks[place]
}

// Text is free text for a place: its mark, and another secret in another
// wrapping each time.
func (g *Ground) Text(place string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	all, n := g.next(place)
	s := all[n%len(all)]
	ways := Wrappings(s)
	w := ways[n*37%len(ways)]
	g.Plant(place, s)
	return g.mark(place) + " " + w.Of(s)
}

// next are other secrets each time, and a number to choose by. They depend on the
// place alone, not on the order in which places are filled: that is not the same
// twice.
func (g *Ground) next(place string) ([]Secret, int) {
	g.n[place]++
	h := fnv.New32a()
	io.WriteString(h, place)
	return Secrets(fmt.Sprint(g.label, place, g.n[place])), int(h.Sum32()%100_000) + g.n[place]
}

// Name is text for a place that takes letters, digits and little else: a mark
// and a secret.
func (g *Ground) Name(place string) string { return g.name(place, "-", alnum+"-_.") }

func (g *Ground) name(place, between, letters string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	for {
		all, n := g.next(place)
		if s := all[n%len(all)]; s.Bare && len(s.Value) <= 48 && strings.Trim(s.Value, letters) == "" {
			g.Plant(place, s)
			return g.mark(place) + between + s.Value
		}
	}
}

// Word is Name with capitals and digits only, as a statement's id has: key ids,
// which are known with a word right before them.
func (g *Ground) Word(place string) string { return g.name(place, "", capitals+digits) }

type object = map[string]any

// Capture copies a capture and plants its files. It gets a log group of its own.
func (g *Ground) Capture(from, dir string) error {
	if err := errors.Join(os.CopyFS(dir, os.DirFS(from)), unpack(dir)); err != nil {
		return err
	}
	incident, err := os.ReadFile(filepath.Join(dir, "incident.yaml"))
	if err != nil {
		return err
	}
	now, err := time.Parse(time.RFC3339, setting(string(incident), "now"))
	if err != nil {
		return err
	}
	groups, err := os.OpenFile(filepath.Join(dir, "logs", "logs.yaml"), os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(groups, "  - {name: /prod/%s, region: %s, events: planted.jsonl}\n", g.Name("log group"), setting(string(incident), "region"))
	if err := errors.Join(err, groups.Close()); err != nil {
		return err
	}
	edits := []struct {
		glob  string
		lines bool
		edit  func(any)
	}{
		{"cloudtrail/*.jsonl", true, g.record}, {"logs/*.jsonl", true, g.logLine}, {"iam/roles.json", false, g.roles}, {"iam/oidc-providers.json", false, g.oidc},
		{"iam/users.json", false, g.users}, {"health.json", false, g.health}, {"metrics.json", false, g.metrics},
	}
	for _, e := range edits {
		files, err := filepath.Glob(filepath.Join(dir, e.glob))
		if err != nil {
			return err
		}
		for _, file := range files {
			if err := rewrite(file, e.lines, e.edit); err != nil {
				return fmt.Errorf("plant %s: %w", file, err)
			}
		}
	}
	status := []object{{"date": "1780306200", "service": "sts-af-south-1", "status": "2", "summary": "STS " + g.Text("status feed"), "region_name": "Cape Town", "service_name": "AWS Security Token Service " + g.Text("status feed service"),
		"arn": "arn:aws:health:af-south-1::event/STS/AWS_STS_OPERATIONAL_ISSUE/2", "event_log": []object{{"summary": g.Text("status feed log"), "message": "STS " + g.Text("status feed message"), "status": 2, "timestamp": 1780306200}}}}
	raw, err := json.Marshal(status)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "public-status.json"), raw, 0o644); err != nil {
		return err
	}
	return g.log(filepath.Join(dir, "logs", "planted.jsonl"), now.Add(-time.Hour).UnixMilli())
}

// setting is a value of incident.yaml.
func setting(yaml, name string) string {
	_, rest, _ := strings.Cut(yaml, name+":")
	value, _, _ := strings.Cut(strings.TrimLeft(rest, " "), "\n")
	return strings.Trim(strings.FieldsFunc(value, func(r rune) bool { return r == '}' || r == ',' || r == ' ' })[0], `"`)
}

// unpack replaces compressed records by plain ones.
func unpack(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "cloudtrail", "*.jsonl.gz"))
	if err != nil {
		return err
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		r, err := gzip.NewReader(bytes.NewReader(raw))
		if err != nil {
			return err
		}
		if raw, err = io.ReadAll(r); err != nil {
			return err
		}
		if err := os.WriteFile(strings.TrimSuffix(file, ".gz"), raw, 0o644); err != nil {
			return err
		}
		if err := os.Remove(file); err != nil {
			return err
		}
	}
	return nil
}

func rewrite(file string, lines bool, edit func(any)) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	texts := []string{string(raw)}
	if lines {
		texts = strings.Split(strings.TrimSpace(string(raw)), "\n")
	}
	for i, text := range texts {
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			return err
		}
		edit(v)
		if raw, err = json.Marshal(v); err != nil {
			return err
		}
		texts[i] = string(raw)
	}
	return os.WriteFile(file, []byte(strings.Join(texts, "\n")+"\n"), 0o644)
}

// add appends a plant to a text that is there.
func add(o object, key, text string) {
	if was, ok := o[key].(string); ok && was != "" {
		o[key] = was + " " + text
	}
}

func in(o object, key string) object {
	inner, _ := o[key].(object)
	if inner == nil {
		inner = object{}
	}
	return inner
}

func (g *Ground) record(v any) {
	r := v.(object)
	name, _ := r["eventName"].(string)
	add(r, "userAgent", g.Text("user agent"))
	add(r, "errorMessage", g.Text("error message"))
	r["plantedField"] = g.Text("unknown field")
	r["tlsDetails"] = object{"cipherSuite": g.Text("TLS details")}
	if addr, _ := r["sourceIPAddress"].(string); addr != "" {
		r["sourceIPAddress"] = addr + "/" + g.Name("source address")
	}
	if id := in(r, "userIdentity"); len(id) > 0 {
		add(id, "userName", g.Name("user name"))
		id["plantedField"] = g.Text("identity's unknown field")
		if s := in(id, "sessionContext"); len(s) > 0 {
			s["sourceIdentity"] = g.Name("source identity")
		}
	}
	if p := in(r, "requestParameters"); len(p) > 0 {
		p["plantedParameter"] = g.Text("unknown parameter")
		p["externalId"] = g.Name("external id")
		p["tags"] = []object{{"key": "team", "value": g.Text("session tag")}}
		if session, _ := p["roleSessionName"].(string); session != "" {
			p["roleSessionName"] = session + "-" + g.Name("session name")
		}
		if document, _ := p["policyDocument"].(string); document != "" {
			p["policyDocument"] = g.policy(document, "changed policy")
		}
		if strings.HasPrefix(name, "AssumeRole") {
			p["policy"] = g.policy(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}`, "session policy")
			p["serialNumber"], p["tokenCode"] = "arn:aws:iam::111122223333:mfa/"+g.Name("serial number"), "739264"
		}
	}
	if e := in(r, "responseElements"); len(e) > 0 {
		e["plantedElement"] = g.Text("unknown response element")
		if c := in(e, "credentials"); len(c) > 0 {
			g.mu.Lock()
			s, _ := g.next("issued")
			c["sessionToken"], c["secretAccessKey"] = s[3].Value, s[0].Value
			g.Plant("issued session token", s[3])
			g.Plant("issued secret key", s[0])
			g.mu.Unlock()
		}
	}
	r["additionalEventData"] = object{"planted": g.Text("additional data")}
	r["resources"] = append(list(r["resources"]), object{"ARN": "arn:aws:s3:::" + g.Name("resource"), "type": "AWS::S3::Bucket", "accountId": "111122223333"})
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

// policy puts plants into a policy document: ids, conditions, resources.
func (g *Ground) policy(document, place string) string {
	var p object
	if json.Unmarshal([]byte(document), &p) != nil {
		return document
	}
	for _, s := range list(p["Statement"]) {
		s := s.(object)
		s["Sid"] = g.Word(place + " Sid")
		conditions := in(s, "Condition")
		conditions["StringNotEqualsIfExists"] = object{"aws:PrincipalTag/x": g.Text(place + " condition")}
		s["Condition"] = conditions
	}
	raw, err := json.Marshal(p)
	if err != nil {
		panic(err) // it was just decoded
	}
	return string(raw)
}

func (g *Ground) planted(v any, place string) any {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // it was just decoded
	}
	var out any
	if err := json.Unmarshal([]byte(g.policy(string(raw), place)), &out); err != nil {
		panic(err)
	}
	return out
}

func (g *Ground) roles(v any) {
	for _, r := range list(v.(object)["Roles"]) {
		r := r.(object)
		r["Description"] = g.Text("role description")
		r["Tags"] = []object{{"Key": "owner", "Value": g.Text("role tag")}, {"Key": g.Name("role tag's key"), "Value": "x"}}
		r["AssumeRolePolicyDocument"] = g.planted(r["AssumeRolePolicyDocument"], "trust policy")
		deny := object{"Version": "2012-10-17", "Statement": []object{{"Effect": "Deny", "Action": "sts:AssumeRole", "Resource": "arn:aws:iam::111122223333:role/" + g.Name("denied resource"),
			"Condition": object{"StringLike": object{"aws:userid": g.Text("inline policy's condition")}}}}}
		r["InlinePolicies"] = append(list(r["InlinePolicies"]), object{"PolicyName": g.Name("inline policy name"), "PolicyDocument": g.planted(deny, "inline policy")})
	}
}

func (g *Ground) oidc(v any) {
	for _, p := range list(v.(object)["OpenIDConnectProviders"]) {
		p := p.(object)
		p["ClientIDList"] = append(list(p["ClientIDList"]), g.Name("client id"))
		add(p, "Url", "/"+g.Name("provider URL"))
	}
}

func (g *Ground) users(v any) {
	for _, u := range list(v.(object)["Users"]) {
		u := u.(object)
		u["MFADevices"] = append(list(u["MFADevices"]), object{"SerialNumber": "arn:aws:iam::111122223333:mfa/" + g.Name("MFA device"), "EnableDate": "2026-01-01T00:00:00Z"})
	}
}

func (g *Ground) health(v any) {
	for _, e := range list(v.(object)["Events"]) {
		e.(object)["eventDescription"] = object{"latestDescription": "Increased error rates. " + g.Text("Health event")}
	}
}

func (g *Ground) metrics(v any) {
	for _, m := range list(v.(object)["Metrics"]) {
		m := m.(object)
		m["Dimensions"] = append(list(m["Dimensions"]), object{"Name": "Planted", "Value": g.Text("metric dimension")})
	}
}

// lineCount is how many lines the log of its own gets.
const lineCount = 60

func (g *Ground) logLine(v any) {
	l := v.(object)
	add(l, "message", g.Text("log line"))
	add(l, "stream", g.Name("log stream"))
}

// log writes a log of its own in which every line has a plant, at its end or
// before what makes the line matter.
func (g *Ground) log(file string, at int64) error {
	var b strings.Builder
	for i := range lineCount {
		message := "ERROR upload failed: An error occurred (ExpiredToken) when calling the PutObject operation: The provided token has expired. " + g.Text("end of a log line")
		if i%2 == 1 {
			message = g.Text("start of a log line") + " ERROR: ExpiredToken: The security token included in the request is expired"
		}
		raw, err := json.Marshal(object{"timestamp": at + int64(i)*1000, "stream": "worker", "message": message})
		if err != nil {
			return err
		}
		b.Write(append(raw, '\n'))
	}
	return os.WriteFile(file, []byte(b.String()), 0o644)
}

// Places that were marked, sorted.
func (g *Ground) Places() []string {
	var out []string
	for place := range g.Marks {
		out = append(out, place)
	}
	slices.Sort(out)
	return out
}
