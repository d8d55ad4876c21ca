package accounts

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/stsleuth/stsleuth/internal/awsemu"
	"github.com/stsleuth/stsleuth/internal/capture"
)

const (
	own    = "111122223333"
	member = "444455556666"
)

var two = Map{
	own:    {Name: "tools"},
	member: {Name: "production", RoleARN: "arn:aws:iam::" + member + ":role/ops/stsleuth-readonly", ExternalID: "not-guessable-0001"},
}

func emulator(t *testing.T) *awsemu.Server {
	t.Helper()
	dir := t.TempDir()
	incident := "format: 1\ntitle: accounts\nnow: 2026-06-01T12:00:00Z\naccount: \"" + own + "\"\npartition: aws\nask: {role: a, region: eu-west-1}\n"
	if err := os.WriteFile(filepath.Join(dir, "incident.yaml"), []byte(incident), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := capture.Load(t.Context(), dir, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return awsemu.New(c, awsemu.Options{})
}

func pool(t *testing.T, emu *awsemu.Server, m Map, standard string) *Pool {
	t.Helper()
	cfg := emu.Config("eu-west-1")
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	p, err := New(cfg, m, standard)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func whoAmI(t *testing.T, p *Pool, account string) (arn string, err error) {
	t.Helper()
	cfg, err := p.Config(account)
	if err != nil {
		return "", err
	}
	out, err := sts.NewFromConfig(cfg).GetCallerIdentity(context.WithoutCancel(t.Context()), &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.Arn), nil
}

func count(emu *awsemu.Server, action string) int { return emu.Stats().Calls[action] }

func TestTheARNsAccountPicksTheRole(t *testing.T) {
	emu := emulator(t)
	defer emu.Close()
	p := pool(t, emu, two, own)
	for account, want := range map[string]string{
		member: "arn:aws:sts::" + member + ":assumed-role/stsleuth-readonly/stsleuth",
		own:    "arn:aws:iam::" + own + ":user/stsleuth",
		"":     "arn:aws:iam::" + own + ":user/stsleuth",
	} {
		if got, err := whoAmI(t, p, account); err != nil || got != want {
			t.Errorf("%q is asked as %q, %v; want %q", account, got, err, want)
		}
	}
	if _, err := whoAmI(t, p, member); err != nil {
		t.Error(err)
	}
	if n := count(emu, "sts:AssumeRole"); n != 1 {
		t.Errorf("%d sessions for two questions", n)
	}
	_, err := p.Config("999999999999")
	if _, ok := errors.AsType[*UnknownError](err); !ok || !strings.Contains(err.Error(), member+" (production)") {
		t.Errorf("an account that nobody named: %v", err)
	}
}

func TestWithoutAMapEveryAccountIsAskedWithTheOwnCredentials(t *testing.T) {
	emu := emulator(t)
	defer emu.Close()
	if got, err := whoAmI(t, pool(t, emu, nil, ""), member); err != nil || !strings.HasSuffix(got, "user/stsleuth") {
		t.Errorf("asked as %q, %v", got, err)
	}
}

func TestASessionThatCannotBeHadIsTheProgramsOwnTrouble(t *testing.T) {
	emu := emulator(t)
	defer emu.Close()
	fault(t, emu, `{action: "sts:AssumeRole", deny: true}`)
	_, err := whoAmI(t, pool(t, emu, two, own), member)
	own, ok := errors.AsType[*AssumeError](err)
	if !ok || own.Account != member || own.Code() != "AccessDenied" || !strings.Contains(own.Error(), "role/ops/stsleuth-readonly") {
		t.Errorf("denied: %v", err)
	}
	if strings.Contains(err.Error(), two[member].ExternalID) {
		t.Error("the external id is in the error")
	}
}

func fault(t *testing.T, emu *awsemu.Server, yaml string) {
	t.Helper()
	f, err := awsemu.ParseFault([]byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	emu.AddFault(f)
}

// A session lasts an hour. It is renewed 2.5 to 5 minutes before its end; when
// AWS does not answer then, the old one goes on until its end and no longer.
func TestSessionsAreRenewedEarlyAndUsedUntilTheirEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		emu := emulator(t)
		defer emu.Close()
		p := pool(t, emu, two, own)
		ask := func() error { _, err := whoAmI(t, p, member); return err }
		start := time.Now()
		if err := ask(); err != nil {
			t.Fatal(err)
		}
		at := func(after time.Duration) { time.Sleep(time.Until(start.Add(after))) } // the bubble's clock
		at(54 * time.Minute)
		if err := ask(); err != nil || count(emu, "sts:AssumeRole") != 1 {
			t.Errorf("after 54 minutes: %v, %d sessions", err, count(emu, "sts:AssumeRole"))
		}
		fault(t, emu, `{action: "sts:AssumeRole", error: ServiceUnavailable}`)
		at(58 * time.Minute)
		for range 3 {
			if err := ask(); err != nil {
				t.Errorf("the old session is good for two more minutes: %v", err)
			}
		}
		if n := count(emu, "sts:AssumeRole"); n != 2 {
			t.Errorf("%d tries to renew within an instant, want 1", n-1)
		}
		at(61 * time.Minute)
		if err := ask(); err == nil {
			t.Error("a session was used after its end")
		}
		emu.ClearFaults()
		if err := ask(); err != nil {
			t.Errorf("once AWS answers again: %v", err)
		}
	})
}

func TestAMapThatCouldNotWorkIsRefusedWithAllItsErrors(t *testing.T) {
	err := Map{
		"prod":         {},
		"111122223333": {RoleARN: "arn:aws:iam::444455556666:role/x", ExternalID: "secret-enough"},
		"222222222222": {RoleARN: "arn:aws:iam::222222222222:role/x"},
		"333333333333": {RoleARN: "role/x"},
		"444455556666": {ExternalID: "alone"},
		"555555555555": {RoleARN: "arn:aws:iam::555555555555:role/x", ExternalID: "has space"},
	}.Validate("777777777777")
	for _, want := range []string{"account prod: an account is twelve digits", "111122223333: role_arn is of account 444455556666", "222222222222: no external_id",
		"333333333333: role_arn", "444455556666: external_id without", "555555555555: external_id has characters", "default_account 777777777777"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no word of %q in: %v", want, err)
		}
	}
	if err := two.Validate(own); err != nil {
		t.Error(err)
	}
}
