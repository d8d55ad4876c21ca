package store

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"github.com/stsleuth/stsleuth/playbook"
)

type bulky struct {
	Total    int64             `json:"total"`
	Sessions []string          `json:"sessions"`
	Few      []string          `json:"few"`
	Named    map[string]string `json:"named,omitempty"`
}

func bulk(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("session %06d", i)
	}
	return out
}

func withFacts(t *testing.T, facts any) playbook.Outcome {
	t.Helper()
	o := outcome(5, playbook.Sessions)
	var err error
	if o.Facts, err = json.Marshal(facts); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestAnOutcomeThatFitsIsLeftAlone(t *testing.T) {
	o := withFacts(t, bulky{Total: 1 << 60, Sessions: bulk(9)})
	got, text, err := capped(o)
	if err != nil || got.Partial != "" || string(got.Facts) != string(o.Facts) || len(text) == 0 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestALargeOutcomeKeepsWhatFitsAndSaysSo(t *testing.T) {
	s := replica(t, "redis://"+miniredis.RunT(t).Addr())
	id := accept(t, s, asked("payments-api"))
	o := withFacts(t, bulky{Total: 1<<60 + 1, Sessions: bulk(100_000), Few: bulk(3)})
	o.Partial = "The newest quarter of an hour is not in yet."
	for range 5000 {
		o.Proof = append(o.Proof, playbook.Proof{Action: "cloudtrail:LookupEvents", CLI: "aws cloudtrail lookup-events --max-results 50"})
	}
	got, err := s.Settle(t.Context(), id, begin(t, s, id), o)
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := json.Marshal(got); len(text) > MaxOutcomeBytes {
		t.Errorf("it is still %d bytes", len(text))
	}
	var facts bulky
	if err := json.Unmarshal(got.Facts, &facts); err != nil {
		t.Fatal(err)
	}
	if facts.Total != 1<<60+1 || len(facts.Few) != 3 || len(facts.Sessions) < 1000 || facts.Sessions[0] != "session 000000" {
		t.Errorf("what is left: total %d, %d few, %d sessions", facts.Total, len(facts.Few), len(facts.Sessions))
	}
	want := fmt.Sprintf("sessions: the first %d of 100000, proof: the first %d of 5000", len(facts.Sessions), len(got.Proof))
	if !strings.HasPrefix(got.Partial, o.Partial) || !strings.Contains(got.Partial, want) {
		t.Errorf("it is not said: %s", got.Partial)
	}
	if stored := load(t, s, id).Steps[playbook.Sessions]; stored.Partial != got.Partial || len(stored.Facts) != len(got.Facts) {
		t.Error("what is stored is not what stands")
	}
}

func TestFactsThatCantBeShortenedAreNotHalved(t *testing.T) {
	got, _, err := capped(withFacts(t, bulky{Named: map[string]string{"a": strings.Repeat("x", 2*MaxOutcomeBytes)}}))
	if err != nil {
		t.Fatal(err)
	}
	if got.Status != playbook.Broken || string(got.Facts) != "{}" || !strings.Contains(got.Summary, "could not be shortened") {
		t.Errorf("got %s, %s", got.Status, got.Summary)
	}
}
