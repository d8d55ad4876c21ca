package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stsleuth/stsleuth/playbook"
)

// Whatever a step says, and however it fails, no secret gets past it: into its
// outcome, or into the log.
func TestNoSecretGetsPastAStep(t *testing.T) {
	secret := "IQoJb3JpZ2luX2VjE" + strings.Repeat("Zq7Lk2Pw", 20)
	type fact struct {
		Any  string            `json:"any"`
		More map[string]string `json:"more"`
	}
	for name, run := range map[string]func(context.Context, playbook.Pass) (playbook.Evidence, error){
		"found": func(context.Context, playbook.Pass) (playbook.Evidence, error) {
			return playbook.Evidence{Status: playbook.Found, Summary: "saw " + secret, Partial: secret, Facts: fact{secret, map[string]string{"a": `{"t":"` + secret + `"}`}},
				Proof: []playbook.Proof{{Action: "iam:GetRole", CLI: "aws x --y '" + secret + "'", Result: secret, Query: secret, LogGroup: "/" + secret, Console: "https://x/?t=" + secret}}, Unseen: []string{secret}, Corrections: []string{secret}, Missing: []string{secret}}, nil
		},
		"error": func(context.Context, playbook.Pass) (playbook.Evidence, error) {
			return playbook.Evidence{}, fmt.Errorf("ask: %w", errors.New("proxy: token="+secret))
		},
		"problem": func(context.Context, playbook.Pass) (playbook.Evidence, error) {
			return playbook.Evidence{}, &playbook.Problem{Status: playbook.Denied, Text: "AWS said " + secret, Action: "iam:GetRole", Err: errors.New(secret)}
		},
		"panic": func(context.Context, playbook.Pass) (playbook.Evidence, error) { panic("no " + secret) },
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			o, err := Ask(t.Context(), slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), playbook.Step{ID: "x", Timeout: time.Minute, Run: run}, playbook.Pass{})
			if err != nil {
				t.Fatal(err)
			}
			if all := fmt.Sprintf("%+v %s", o, o.Facts) + log.String(); strings.Contains(all, "Zq7Lk2Pw") {
				t.Errorf("the secret is in %s", all)
			} else if name != "panic" && name != "error" && !strings.Contains(all, "[cut]") {
				t.Errorf("nothing was cut: %s", all)
			}
		})
	}
}
