package awsemu

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/stsleuth/stsleuth/internal/capture"
)

const incidentYAML = `
format: 1
title: A test
now: 2026-10-14T15:20:00Z
account: "111122223333"
partition: aws
ask: {role: payments-api, region: eu-west-1}
`

// files are a capture's, by path; incident.yaml is there unless given.
type files map[string]string

func (fs files) load(t testing.TB) *capture.Capture {
	t.Helper()
	dir := fs.write(t)
	c, err := capture.Load(t.Context(), dir, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func (fs files) write(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	put := func(name, content string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put("incident.yaml", incidentYAML)
	for name, content := range fs {
		put(name, content)
	}
	return dir
}

// serve emulates a capture. The test fails if it was asked for something that is not emulated.
func (fs files) serve(t testing.TB, options Options) *Server {
	t.Helper()
	s := fs.tolerant(t, options)
	t.Cleanup(func() {
		for _, u := range s.Unexpected() {
			t.Errorf("asked for what is not emulated: %s", u)
		}
	})
	return s
}

// tolerant is serve for tests that ask for what is not emulated on purpose.
func (fs files) tolerant(t testing.TB, options Options) *Server {
	t.Helper()
	s := New(fs.load(t), options)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// once is the configuration of a client that doesn't retry.
func (s *Server) once(region string) aws.Config {
	cfg := s.Config(region)
	cfg.RetryMaxAttempts = 1
	return cfg
}

func lines(records ...string) string { return strings.Join(records, "\n") + "\n" }
