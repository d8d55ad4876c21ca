package playbook

import (
	"bytes"
	"encoding/json"
	"slices"
)

// Schema names the version of the report's JSON.
const Schema = "stsleuth/v1"

// Report is a finished investigation as one value: what -o json prints, what
// the report file holds and what every other rendering is made from.
type Report struct {
	Request   Request
	Steps     []Outcome // in the plan's order
	Rules     []Judged  // in the rules' order
	Diagnosis Diagnosis
	Was       *Earlier // what was said before a longer window was judged; nil for a first run
}

// Earlier is the verdict that a longer window's verdict replaces. Both are kept.
type Earlier struct {
	ID        string    `json:"id"`
	Window    Window    `json:"window"`
	Diagnosis Diagnosis `json:"diagnosis"`
}

// Cost is what the investigation asked of AWS.
type Cost struct {
	APICalls     int   `json:"api_calls"`
	BytesScanned int64 `json:"bytes_scanned"`
}

// InOrder sorts the steps by their number.
func (r Report) InOrder() Report {
	slices.SortFunc(r.Steps, func(a, b Outcome) int { return a.N - b.N })
	return r
}

// Cost adds up the proofs.
func (r Report) Cost() Cost {
	var c Cost
	for _, s := range r.Steps {
		for _, p := range s.Proof {
			c.APICalls += max(p.Calls, 1)
			c.BytesScanned += p.Scanned
		}
	}
	return c
}

type reportTarget struct {
	Role      string `json:"role"`
	RoleARN   string `json:"role_arn"`
	Account   string `json:"account"`
	Region    string `json:"region"`
	Partition string `json:"partition"`
}

type reportJSON struct {
	Schema    string       `json:"schema"`
	ID        string       `json:"id"`
	Target    reportTarget `json:"target"`
	Window    Window       `json:"window"`
	Steps     []Outcome    `json:"steps"`
	Rules     []Judged     `json:"rules"`
	Diagnosis Diagnosis    `json:"diagnosis"`
	Cost      Cost         `json:"cost"`
	Was       *Earlier     `json:"was,omitempty"`
}

// MarshalJSON writes the keys of the published schema in their fixed order.
func (r Report) MarshalJSON() ([]byte, error) {
	t := r.Request.Target
	j := reportJSON{Schema: Schema, ID: r.Request.ID,
		Target: reportTarget{Role: t.Role, RoleARN: t.RoleARN, Account: t.Account, Region: t.Region, Partition: t.Partition},
		Window: r.Request.Window, Steps: orEmpty(r.Steps), Rules: orEmpty(r.Rules), Diagnosis: r.Diagnosis, Cost: r.Cost(), Was: r.Was}
	j.Diagnosis.Causes = orEmpty(j.Diagnosis.Causes)
	j.Diagnosis.NotChecked = orEmpty(j.Diagnosis.NotChecked)
	j.Diagnosis.Offers = orEmpty(j.Diagnosis.Offers)
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(j); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// UnmarshalJSON reads a report file back, for `show --file`.
func (r *Report) UnmarshalJSON(b []byte) error {
	var j reportJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	t := j.Target
	*r = Report{Request: Request{ID: j.ID, Window: j.Window, At: j.Window.To,
		Target: Target{Asked: t.Role, Role: t.Role, RoleARN: t.RoleARN, Account: t.Account, Region: t.Region, Partition: t.Partition}},
		Steps: j.Steps, Rules: j.Rules, Diagnosis: j.Diagnosis, Was: j.Was}
	return nil
}

func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
