package main

import (
	"encoding/json"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"log/slog"

	"github.com/stsleuth/stsleuth/internal/app"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

// The same steps against an AWS that nobody here wrote, for what it supports:
// IAM, STS and log groups. It has no LookupEvents and no Health, which must come
// out as blind, never as broken and never as fine.
func TestTheSameStepsAgainstMoto(t *testing.T) {
	bin, err := exec.LookPath("moto_server")
	if err != nil {
		t.Skip("moto_server is not installed, nor can CI install it: it is in no Debian package")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	_, port, _ := net.SplitHostPort(addr)
	moto := exec.Command(bin, "-H", "127.0.0.1", "-p", port)
	if err := moto.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		moto.Process.Kill()
		moto.Wait()
	})
	up := false
	for tick := time.NewTicker(100 * time.Millisecond); !up; <-tick.C {
		if r, err := http.Get("http://" + addr + "/moto-api/"); err == nil {
			r.Body.Close()
			up = true
		} else if t.Context().Err() != nil {
			t.Fatal(err)
		}
	}

	cfg := aws.Config{Region: "eu-west-1", BaseEndpoint: aws.String("http://" + addr), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "")}
	ctx := t.Context()
	roles := iam.NewFromConfig(cfg)
	if _, err := roles.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("payments-api"), Path: aws.String("/team/"), MaxSessionDuration: aws.Int32(7200),
		AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:root"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"x y+z"}}}]}`)}); err != nil {
		t.Fatal(err)
	}
	if _, err := roles.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String("payments-api"), PolicyName: aws.String("AWSRevokeOlderSessions"),
		PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:TokenIssueTime":"2026-01-02T03:04:05Z"}}}]}`)}); err != nil {
		t.Fatal(err)
	}
	if _, err := cloudwatchlogs.NewFromConfig(cfg).CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("/prod/payments")}); err != nil {
		t.Fatal(err)
	}

	req, err := question{role: "payments-api", region: "eu-west-1"}.request(time.Now(), "")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := app.AWS{Config: cfg, Offline: true, StatusFeed: "http://" + addr + "/no-such-feed", HTTP: http.DefaultClient}.Plan()
	if err != nil {
		t.Fatal(err)
	}
	r, err := app.Investigate(ctx, plan, req, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	done := playbook.Outcomes{}
	for _, s := range r.Steps {
		done[s.Step] = s
		if s.Status == playbook.Broken {
			t.Errorf("step %s is broken: %s", s.Step, s.Summary)
		}
	}
	role, _ := facts.Role.In(done)
	if role.Exists != playbook.Yes || role.Path != "/team/" || !strings.HasSuffix(role.RoleARN, ":role/team/payments-api") {
		t.Errorf("role: %+v", role)
	}
	config, _ := facts.Config.In(done)
	if config.MaxSessionDuration != 7200 || !strings.Contains(config.TrustPolicy, "x y+z") {
		t.Errorf("configuration: max %d, trust policy %s", config.MaxSessionDuration, config.TrustPolicy)
	}
	revoked := false
	for _, p := range config.Policies {
		revoked = revoked || p.RevokesBefore.Equal(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	}
	if !revoked {
		b, _ := json.Marshal(config.Policies)
		t.Errorf("the revocation was not read: %s", b)
	}
	access, _ := facts.Access.In(done)
	if len(access.Principals) != 1 || !access.Principals[0].Cross || !access.Principals[0].ExternalID {
		t.Errorf("principals: %+v", access.Principals)
	}
	for _, id := range []playbook.StepID{playbook.STSErrors, playbook.Sessions, playbook.TrustChanges} {
		if done[id].Status.Saw() {
			t.Errorf("step %s says %s of an AWS that has no event history", id, done[id].Status)
		}
	}
	if r.Diagnosis.Verdict != playbook.InsufficientEvidence {
		t.Errorf("verdict %s, want insufficient-evidence", r.Diagnosis.Verdict)
	}
}
