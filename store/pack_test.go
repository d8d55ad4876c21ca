package store

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

// busy are the three largest outcomes of an investigation of a busy role, with
// ids that compress as badly as real ones.
func busy(t *testing.T, sessions, failures, lines, roles, slices int) []playbook.Outcome {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	hex := func(n int) string {
		var b strings.Builder
		for range n {
			fmt.Fprintf(&b, "%x", r.IntN(16))
		}
		return b.String()
	}
	id := func() string { return hex(8) + "-" + hex(4) + "-" + hex(4) + "-" + hex(4) + "-" + hex(12) }
	source := func() string { return fmt.Sprintf("10.%d.%d.%d", r.IntN(256), r.IntN(256), r.IntN(256)) }
	caller := func() facts.Caller {
		return facts.Caller{Type: "AssumedRole", ARN: "arn:aws:sts::111122223333:assumed-role/payments-node/i-" + hex(17), Account: "111122223333", Principal: "AROA" + strings.ToUpper(hex(17)) + ":i-" + hex(17),
			IssuerARN: "arn:aws:iam::111122223333:role/payments-node", Key: "ASIA…" + strings.ToUpper(hex(4)), Temporary: playbook.Yes, MFA: playbook.No, Since: noon.Add(-time.Duration(r.IntN(1e6)) * time.Second)}
	}
	const agent = "Boto3/1.34.11 md/Botocore#1.34.11 ua/2.0 os/linux#5.10.205-195.804.amzn2.x86_64 md/arch#x86_64 lang/python#3.11.6 md/pyimpl#CPython cfg/retry-mode#legacy Botocore/1.34.11"
	var ledger facts.SessionLedger
	for i := range sessions {
		at := noon.Add(time.Duration(i) * time.Minute)
		ledger.Sessions = append(ledger.Sessions, facts.Session{Key: "ASIA…" + strings.ToUpper(hex(4)), EventID: id(), Event: "AssumeRole", Issued: at, Expires: at.Add(time.Hour), Seconds: 3600, Name: "payments-api-" + hex(8) + "-" + hex(5),
			Caller: caller(), Chained: playbook.Yes, Region: "eu-west-1", Endpoint: "sts.eu-west-1.amazonaws.com", UserAgent: agent, Source: source(), LastUse: at.Add(time.Duration(r.IntN(3600)) * time.Second), RoleID: "AROAEXAMPLEEXAMPLE111"})
	}
	var errors facts.STSErrors
	for i := range failures {
		c := caller()
		errors.Failures = append(errors.Failures, facts.Failure{Time: noon.Add(time.Duration(i) * time.Minute), EventID: id(), Event: "AssumeRole", Region: "eu-west-1", Kind: facts.AssumeDenied, Code: "AccessDenied",
			Message: "User: " + c.ARN + " is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/payments-api", Caller: c, SessionName: "payments-api-" + hex(8), Endpoint: "sts.eu-west-1.amazonaws.com", UserAgent: agent, Source: source(), Matched: "parameters"})
	}
	for i := range roles {
		rate := facts.RoleRate{RoleARN: fmt.Sprintf("arn:aws:iam::111122223333:role/role-%03d", i)}
		for j := range slices {
			rate.Buckets = append(rate.Buckets, facts.Bucket{Start: noon.Add(time.Duration(j) * facts.BucketLength), Calls: 20 + r.IntN(200), Errors: r.IntN(3)})
		}
		for range 50 {
			rate.SessionNames = append(rate.SessionNames, "worker-"+hex(8)+"-"+hex(5))
		}
		errors.Roles = append(errors.Roles, rate)
	}
	var app facts.AppErrors
	for i := range lines {
		text := fmt.Sprintf("%s [%s] ERROR c.e.payments.Client - request %s failed: com.amazonaws.services.dynamodbv2.model.AmazonDynamoDBException: The security token included in the request is expired (Service: AmazonDynamoDBv2; Status Code: 400; Error Code: ExpiredTokenException; Request ID: %s; Proxy: null) ",
			noon.Add(time.Duration(i)*time.Second).Format(time.RFC3339Nano), hex(16), id(), strings.ToUpper(hex(52)))
		text += strings.Repeat(hex(8)+" ", 60)
		app.Lines = append(app.Lines, facts.Line{Time: noon.Add(time.Duration(i) * time.Second), Group: "/ecs/payments-api", Stream: "ecs/api/" + hex(32), Kind: facts.SessionExpired, Code: "ExpiredTokenException", Call: "GetItem", Text: text[:500]})
	}
	var out []playbook.Outcome
	for i, x := range []struct {
		step  playbook.StepID
		facts any
	}{{playbook.STSErrors, errors}, {playbook.Sessions, ledger}, {playbook.AppErrors, app}} {
		o := outcome(i+1, x.step)
		var err error
		if o.Facts, err = json.Marshal(x.facts); err != nil {
			t.Fatal(err)
		}
		out = append(out, o)
	}
	return out
}

// What a step keeps decides the diagnosis, so none of it may be lost on the way
// through Redis: not the newest, and not anything else that the steps keep.
func TestWhatStepsKeepIsStoredWhole(t *testing.T) {
	s := replica(t, "redis://"+miniredis.RunT(t).Addr())
	for name, outcomes := range map[string][]playbook.Outcome{
		"a busy role":                          busy(t, 400, 500, 1000, 40, 288),
		"all that is kept, the longest window": busy(t, facts.MaxSessions, facts.MaxFailures, facts.MaxLines, 40, int(playbook.MaxWindow/facts.BucketLength)),
	} {
		t.Run(name, func(t *testing.T) {
			id := accept(t, s, asked("payments-api"))
			token := begin(t, s, id)
			for _, o := range outcomes {
				stands, err := s.Settle(t.Context(), id, token, o)
				if err != nil {
					t.Fatal(err)
				}
				again, err := s.Settle(t.Context(), id, token, outcome(o.N, o.Step))
				if err != nil {
					t.Fatal(err)
				}
				same(t, o, stands)
				same(t, o, again)
			}
			if err := s.Conclude(t.Context(), id, token, playbook.Report{}); err != nil {
				t.Fatal(err)
			}
			inv := load(t, s, id)
			if len(inv.Report.Steps) != len(outcomes) {
				t.Fatalf("%d steps are stored", len(inv.Report.Steps))
			}
			for i, o := range outcomes {
				same(t, o, inv.Steps[o.Step])
				same(t, o, inv.Report.Steps[i])
			}
		})
	}
}

func same(t *testing.T, want, got playbook.Outcome) {
	t.Helper()
	if string(got.Facts) != string(want.Facts) || got.Partial != want.Partial || got.Summary != want.Summary || len(got.Proof) != len(want.Proof) {
		t.Errorf("%s: %d bytes of facts are %d, partial %q, summary %q", want.Step, len(want.Facts), len(got.Facts), got.Partial, got.Summary)
	}
}

func TestALargeFollowUpIsStoredWhole(t *testing.T) {
	s := replica(t, "redis://"+miniredis.RunT(t).Addr())
	id := accept(t, s, asked("payments-api"))
	p, _, err := s.Press(t.Context(), playbook.Delivery{Envelope: "e-1"}, id, "mfa", bob, 0)
	if err != nil {
		t.Fatal(err)
	}
	o := busy(t, 400, 0, 0, 0, 0)[1]
	p.State, p.Outcome = playbook.Finished, &o
	if p, err = s.SettlePress(t.Context(), id, p); err != nil {
		t.Fatal(err)
	}
	same(t, o, *p.Outcome)
	same(t, o, *load(t, s, id).Presses[0].Outcome)
	if raw := s.rdb.HGet(t.Context(), recordKey(id), "press-end:"+p.ID).Val(); len(raw) > len(o.Facts)/4 {
		t.Errorf("%d bytes of facts take %d", len(o.Facts), len(raw))
	}
}

// Small texts stay readable with redis-cli; what was stored before texts were
// compressed is read, however large.
func TestPackedTexts(t *testing.T) {
	of := func(length int) []byte { return []byte(`"` + strings.Repeat("x", length-2) + `"`) }
	for _, tc := range []struct {
		length int
		plain  bool
	}{{2, true}, {plainBytes, true}, {plainBytes + 1, false}, {100 * plainBytes, false}} {
		stored, err := pack(of(tc.length))
		if err != nil {
			t.Fatal(err)
		}
		if plain := string(stored) == string(of(tc.length)); plain != tc.plain {
			t.Errorf("%d bytes: plain is %t", tc.length, plain)
		}
		var got string
		if err := unpack(stored, &got); err != nil || len(got) != tc.length-2 {
			t.Errorf("%d bytes: %d letters are read, %v", tc.length, len(got), err)
		}
		if err := unpack(of(tc.length), &got); err != nil || len(got) != tc.length-2 {
			t.Errorf("%d bytes, stored plainly: %d letters are read, %v", tc.length, len(got), err)
		}
	}
	stored, err := pack(of(plainBytes + 1))
	if err != nil {
		t.Fatal(err)
	}
	if err := unpack(stored[:len(stored)-1], new(string)); err == nil {
		t.Error("half of a text is taken for one")
	}
}
