package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/stsleuth/stsleuth/internal/app"
	"github.com/stsleuth/stsleuth/internal/report"
	"github.com/stsleuth/stsleuth/playbook"
)

// stored is where the operator's commands find the investigations.
type stored struct {
	RedisURL string `name:"redis-url" env:"REDIS_URL" placeholder:"URL" help:"The Redis that serve uses."`
}

type listCmd struct {
	stored
	Role     string `placeholder:"NAME" help:"Only of this role."`
	Channel  string `placeholder:"ID" help:"Only of this channel."`
	State    string `enum:"accepted,running,finished,stopped,failed," default:"" help:"Only in this state: accepted, running, finished, stopped, failed."`
	Failed   bool   `help:"Only those that failed, or with a message that could not be told; such messages are listed."`
	Feedback bool   `help:"Only those that somebody judged; what they said is listed."`
	Limit    int    `default:"50" help:"At most this many, the newest first."`
	Output   string `short:"o" enum:"text,json" default:"text" help:"text or json."`
}

// Run lists investigations, the newest first.
func (c *listCmd) Run(ctx context.Context, s streams) error {
	state, err := app.OpenState(ctx, c.RedisURL)
	if err != nil {
		return err
	}
	defer state.Close()
	f := playbook.Filter{Role: c.Role, Channel: c.Channel, Failed: c.Failed, Feedback: c.Feedback, Limit: c.Limit}
	if c.State != "" {
		if err := f.State.UnmarshalText([]byte(c.State)); err != nil {
			return err
		}
	}
	all, err := state.List(ctx, f)
	if err != nil {
		return err
	}
	for i := range all {
		if c.Feedback { // a list's records are short; what people said is in the whole one
			if all[i], err = state.Load(ctx, all[i].Request.ID); err != nil {
				return err
			}
		}
		all[i].AnswerURL = "" // whoever has it may answer in the channel
	}
	var dead []playbook.DeadLetter
	if c.Failed {
		if dead, err = state.DeadLetters(ctx, c.Limit); err != nil {
			return err
		}
	}
	if c.Output == "json" {
		enc := json.NewEncoder(s.out)
		enc.SetIndent("", "  ")
		return enc.Encode(struct {
			Investigations []playbook.Investigation `json:"investigations"`
			DeadLetters    []playbook.DeadLetter    `json:"dead_letters,omitempty"`
		}{all, dead})
	}
	w := tabwriter.NewWriter(s.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tACCEPTED\tSTATE\tROLE\tREGION\tCHANNEL\tVERDICT")
	for _, inv := range all {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", inv.Request.ID, inv.Accepted.UTC().Format("2006-01-02 15:04"), inv.State,
			inv.Request.Target.Role, inv.Request.Target.Region, inv.Place.Channel, verdictOf(inv))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, inv := range all {
		for _, fb := range inv.Feedback {
			fmt.Fprintf(s.out, "%s  %s: %s %s\n", inv.Request.ID, fb.By.User, map[bool]string{true: "right", false: "wrong"}[fb.Right], report.Line(fb.Why))
		}
	}
	for _, d := range dead {
		fmt.Fprintf(s.out, "%s  not told: %s, since %s: %s (stsleuth resend %s %s)\n", d.Message.Investigation, d.Message.ID(), d.At.UTC().Format("2006-01-02 15:04"), d.Reason, d.Message.Investigation, d.Message.ID())
	}
	return nil
}

func verdictOf(inv playbook.Investigation) string {
	if inv.Report == nil {
		return inv.Problem
	}
	d := inv.Report.Diagnosis
	if len(d.Causes) > 0 {
		return fmt.Sprintf("%s: %s", d.Verdict, d.Causes[0].Cause)
	}
	return d.Verdict.String()
}

type showCmd struct {
	stored
	ID     string `arg:"" optional:"" help:"The investigation."`
	File   string `type:"existingfile" placeholder:"FILE" help:"Show an exported report instead, without a Redis."`
	Output string `short:"o" enum:"text,markdown,json" default:"text" help:"text, markdown or json."`
}

// Run shows the full record as the thread tells it.
func (c *showCmd) Run(ctx context.Context, s streams) error {
	if c.File != "" {
		raw, err := os.ReadFile(c.File)
		if err != nil {
			return err
		}
		var r playbook.Report
		if err := json.Unmarshal(raw, &r); err != nil {
			return fmt.Errorf("read report %s: %w", c.File, err)
		}
		return write(s.out, c.Output, r, s.env)
	}
	inv, err := loadOne(ctx, c.RedisURL, c.ID)
	if err != nil {
		return err
	}
	if c.Output == "json" {
		enc := json.NewEncoder(s.out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(inv)
	}
	r := soFar(inv)
	if err := write(s.out, c.Output, r, s.env); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "\n%s, asked by %s in %s at %s", inv.State, inv.AskedBy.User, inv.Place.Channel, inv.Accepted.UTC().Format(time.RFC3339))
	if inv.Problem != "" {
		fmt.Fprintf(s.out, ": %s", inv.Problem)
	}
	fmt.Fprintln(s.out)
	for _, p := range inv.Presses {
		fmt.Fprintf(s.out, "  %s pressed %s at %s: %s", p.By.User, p.Action, p.At.UTC().Format(time.RFC3339), p.State)
		if p.Led != "" {
			fmt.Fprintf(s.out, ", see %s", p.Led)
		}
		if p.Outcome != nil {
			fmt.Fprintf(s.out, ", %s: %s", p.Outcome.Status, report.Line(p.Outcome.Summary))
		}
		fmt.Fprintln(s.out)
	}
	for _, f := range inv.Feedback {
		fmt.Fprintf(s.out, "  %s says %s: %s\n", f.By.User, map[bool]string{true: "right", false: "wrong"}[f.Right], report.Line(f.Why))
	}
	for _, m := range inv.Posted {
		fmt.Fprintf(s.out, "  told %s at %s %s\n", m.Message, m.At.UTC().Format(time.RFC3339), m.Permalink)
	}
	return nil
}

// soFar is an investigation's report, or what there is of it.
func soFar(inv playbook.Investigation) playbook.Report {
	if inv.Report != nil {
		return *inv.Report
	}
	r := playbook.Report{Request: inv.Request}
	for _, o := range inv.Steps {
		r.Steps = append(r.Steps, o)
	}
	return r.InOrder()
}

func loadOne(ctx context.Context, redisURL, id string) (playbook.Investigation, error) {
	if id == "" {
		return playbook.Investigation{}, usageError("give an investigation's id; \"stsleuth list\" has them")
	}
	state, err := app.OpenState(ctx, redisURL)
	if err != nil {
		return playbook.Investigation{}, err
	}
	defer state.Close()
	inv, err := state.Load(ctx, id)
	inv.AnswerURL = "" // whoever has it may answer in the channel
	if app.NotStored(err) {
		return inv, fmt.Errorf("there is no investigation %s: it never was, or its retention is over", id)
	}
	return inv, err
}

type cancelCmd struct {
	stored
	ID string `arg:"" help:"The investigation."`
}

// operator is who presses when nobody in a channel does.
var operator = playbook.Person{User: "operator"}

// Run stops an investigation on whatever replica it runs.
func (c *cancelCmd) Run(ctx context.Context, s streams) error {
	state, err := app.OpenState(ctx, c.RedisURL)
	if err != nil {
		return err
	}
	defer state.Close()
	done, err := state.Cancel(ctx, c.ID, operator)
	if app.NotStored(err) {
		return fmt.Errorf("there is no investigation %s", c.ID)
	}
	if err == nil && !done {
		fmt.Fprintln(s.out, "It had ended already.")
	} else if err == nil {
		fmt.Fprintln(s.out, "Stopped.")
	}
	return err
}

type rerunCmd struct {
	stored
	ID string `arg:"" help:"The investigation to repeat."`
}

// Run asks the same question again, up to now, in the same channel.
func (c *rerunCmd) Run(ctx context.Context, s streams) error {
	inv, err := loadOne(ctx, c.RedisURL, c.ID)
	if err != nil {
		return err
	}
	state, err := app.OpenState(ctx, c.RedisURL)
	if err != nil {
		return err
	}
	defer state.Close()
	req := playbook.NewRequest(playbook.NewID(), inv.Request.Target, time.Now(), inv.Request.Window.Length())
	got, err := state.Accept(ctx, playbook.Delivery{Trigger: "operator/" + req.ID},
		playbook.Investigation{Request: req, AskedBy: inv.AskedBy, Place: inv.Place, Extends: inv.Request.ID, ExtendsAt: inv.Link()}, true)
	if err != nil {
		return err
	}
	fmt.Fprintln(s.out, got.Investigation.Request.ID)
	return nil
}

type exportCmd struct {
	stored
	ID  string `arg:"" help:"The investigation."`
	Dir string `default:"." type:"existingdir" help:"Where to write ID.md, ID.json and ID.sha256."`
}

// Run writes the report as Markdown and as JSON, with their hashes, so that a
// ticket can prove later what was said.
func (c *exportCmd) Run(ctx context.Context, s streams) error {
	inv, err := loadOne(ctx, c.RedisURL, c.ID)
	if err != nil {
		return err
	}
	if inv.Report == nil {
		return errors.New("it has no report: " + inv.State.String())
	}
	var sums []string
	for _, format := range []struct{ name, ext string }{{"markdown", ".md"}, {"json", ".json"}} {
		var b strings.Builder
		if err := write(&b, format.name, *inv.Report, s.env); err != nil {
			return err
		}
		name := c.ID + format.ext
		if err := os.WriteFile(filepath.Join(c.Dir, name), []byte(b.String()), 0o600); err != nil {
			return err
		}
		sum := sha256.Sum256([]byte(b.String()))
		sums = append(sums, hex.EncodeToString(sum[:])+"  "+name)
		fmt.Fprintln(s.out, filepath.Join(c.Dir, name))
	}
	name := filepath.Join(c.Dir, c.ID+".sha256")
	if err := os.WriteFile(name, []byte(strings.Join(sums, "\n")+"\n"), 0o600); err != nil {
		return err
	}
	fmt.Fprintln(s.out, name)
	return nil
}

type resendCmd struct {
	stored
	ID      string `arg:"" help:"The investigation."`
	Message string `arg:"" help:"The message that was not told, as \"stsleuth list --failed\" names it."`
}

// Run queues a message again that was given up on.
func (c *resendCmd) Run(ctx context.Context, s streams) error {
	state, err := app.OpenState(ctx, c.RedisURL)
	if err != nil {
		return err
	}
	defer state.Close()
	const all = 10_000
	dead, err := state.DeadLetters(ctx, all)
	if err != nil {
		return err
	}
	for _, d := range dead {
		if d.Message.Investigation == c.ID && string(d.Message.ID()) == c.Message {
			if _, err := state.Resend(ctx, d.Message); err != nil {
				return err
			}
			fmt.Fprintln(s.out, "Queued again.")
			return nil
		}
	}
	return fmt.Errorf("%s has no message %s that was given up on", c.ID, c.Message)
}
