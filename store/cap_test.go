package store

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"
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

// bulk is a list that hardly compresses.
func bulk(n int) []string {
	r := rand.New(rand.NewPCG(1, 2))
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("session %06d %016x", i, r.Uint64())
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

// Facts that don't fit are thinned over their whole time: when it began and
// whether it goes on decide a diagnosis.
func TestALargeOutcomeIsThinnedAndSaysSo(t *testing.T) {
	s := replica(t, "redis://"+miniredis.RunT(t).Addr())
	id := accept(t, s, asked("payments-api"))
	all := bulk(200_000)
	o := withFacts(t, bulky{Total: 1<<60 + 1, Sessions: all, Few: bulk(3)})
	o.Partial = "The newest quarter of an hour is not in yet."
	for range 5000 {
		o.Proof = append(o.Proof, playbook.Proof{Action: "cloudtrail:LookupEvents", CLI: "aws cloudtrail lookup-events --max-results 50", Calls: 3})
	}
	got, err := s.Settle(t.Context(), id, begin(t, s, id), o)
	if err != nil {
		t.Fatal(err)
	}
	if raw := s.rdb.HGet(t.Context(), recordKey(id), "step:sessions").Val(); len(raw) > MaxOutcomeBytes || len(raw) < MaxOutcomeBytes/3 {
		t.Errorf("it takes %d bytes", len(raw))
	}
	var facts bulky
	if err := json.Unmarshal(got.Facts, &facts); err != nil {
		t.Fatal(err)
	}
	n := len(facts.Sessions)
	if facts.Total != 1<<60+1 || len(facts.Few) != 3 || n < 10_000 || len(got.Proof) != 5000 || got.Proof[4999].Calls != 3 {
		t.Fatalf("what is left: total %d, %d few, %d sessions, %d proofs", facts.Total, len(facts.Few), n, len(got.Proof))
	}
	if facts.Sessions[0] != all[0] || facts.Sessions[n-1] != all[len(all)-1] || facts.Sessions[n/2] != all[n/2*(len(all)/(n-1))] {
		t.Errorf("they are not thinned evenly: %s, %s, %s", facts.Sessions[0], facts.Sessions[n/2], facts.Sessions[n-1])
	}
	want := fmt.Sprintf("(sessions: %d of 200000).", n)
	if !strings.HasPrefix(got.Partial, o.Partial+" ") || !strings.HasSuffix(got.Partial, want) || strings.Count(got.Partial, "thinned") != 1 {
		t.Errorf("it is not said: %s", got.Partial)
	}
	if stored := load(t, s, id).Steps[playbook.Sessions]; stored.Partial != got.Partial || string(stored.Facts) != string(got.Facts) {
		t.Error("what is stored is not what stands")
	}
	if len(o.Proof) != 5000 || len(o.Facts) < MaxOutcomeBytes {
		t.Error("what was given has changed")
	}
}

// What is thinned is what takes the room, in all places alike, not what is few.
func TestTheManyAreThinnedAndTheFewAreNot(t *testing.T) {
	type rate struct {
		Role    string   `json:"role"`
		Buckets []string `json:"buckets"`
	}
	type kept struct {
		Failures []string `json:"failures"`
		Roles    []rate   `json:"roles"`
	}
	var f, thinned kept
	f.Failures = bulk(500)
	for i, text := range bulk(300) {
		f.Roles = append(f.Roles, rate{text, bulk(600 + i%2)})
	}
	for i := range f.Roles { // no two alike, for gzip
		for j := range f.Roles[i].Buckets {
			f.Roles[i].Buckets[j] = fmt.Sprintf("%x", sha256.Sum256([]byte(fmt.Sprint(i, j))))[:24]
		}
	}
	got, stored, err := capped(withFacts(t, f))
	if err != nil || len(stored) > MaxOutcomeBytes {
		t.Fatalf("%d bytes, %v", len(stored), err)
	}
	if err := json.Unmarshal(got.Facts, &thinned); err != nil {
		t.Fatal(err)
	}
	if len(thinned.Roles) != len(f.Roles) || len(thinned.Failures) != len(f.Failures) {
		t.Fatalf("%d roles and %d failures are left", len(thinned.Roles), len(thinned.Failures))
	}
	left := 0
	for i, r := range thinned.Roles {
		left += len(r.Buckets)
		of := f.Roles[i].Buckets
		if n := len(r.Buckets); n >= len(of) || n < 50 || r.Buckets[0] != of[0] || r.Buckets[n-1] != of[len(of)-1] {
			t.Fatalf("%d of %d buckets, or not the ends", n, len(of))
		}
	}
	if want := fmt.Sprintf("(roles.buckets: %d of %d).", left, 300*600+150); !strings.HasSuffix(got.Partial, want) {
		t.Errorf("it says %s, not %s", got.Partial, want)
	}
}

func TestFactsThatCantBeShortenedAreNotHalved(t *testing.T) {
	got, stored, err := capped(withFacts(t, bulky{Named: map[string]string{"a": strings.Join(bulk(MaxOutcomeBytes/5), "")}, Few: bulk(3)}))
	if err != nil {
		t.Fatal(err)
	}
	if got.Status != playbook.Broken || string(got.Facts) != "{}" || len(stored) > 1000 || !strings.Contains(got.Summary, "could not be shortened") {
		t.Errorf("got %s, %s", got.Status, got.Summary)
	}
}
