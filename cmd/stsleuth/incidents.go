package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	shipped "github.com/stsleuth/stsleuth/captures"
	"github.com/stsleuth/stsleuth/internal/app"
	"github.com/stsleuth/stsleuth/internal/awsemu"
	"github.com/stsleuth/stsleuth/internal/capture"
)

// example is one incident that the demo can be about.
type example struct {
	Name  string     `json:"name"`
	Title string     `json:"title"`
	Ask   exampleAsk `json:"ask"`

	dir string
	now time.Time
}

type exampleAsk struct {
	Role   string `json:"role"`
	Region string `json:"region"`
	Window string `json:"window,omitempty"` // "" for the default
}

// incidents are the demo's examples, and AWS as the current one shows it. The
// clock of questions is that capture's.
type incidents struct {
	all  []example
	temp string // where the built-in ones were unpacked, "" when they were not
	emu  *awsemu.Server
	was  *capture.Capture // the first one: the emulator does not close it

	mu      sync.Mutex
	current int // guarded by mu
}

// The demo answers as fast as AWS on a good day, so that progress can be seen.
const (
	demoLatency = 120 * time.Millisecond
	demoQuery   = 1500 * time.Millisecond
)

// openIncidents finds the captures below dir, or unpacks the built-in ones.
func openIncidents(ctx context.Context, dir string) (_ *incidents, err error) {
	d := &incidents{}
	defer func() {
		if err != nil {
			d.Close()
		}
	}()
	if dir == "" {
		if d.temp, err = os.MkdirTemp("", "stsleuth-demo-*"); err != nil {
			return nil, fmt.Errorf("unpack the examples: %w", err)
		}
		if dir = d.temp; os.CopyFS(dir, shipped.Examples) != nil {
			return nil, errors.New("unpack the examples: they can't be written to " + dir)
		}
	}
	found, err := capture.FindAll(dir)
	if err != nil {
		return nil, err
	}
	for _, path := range found {
		in, err := capture.ReadIncident(path)
		if err != nil {
			return nil, err
		}
		if in.Partition != "aws" {
			continue // the demo's clients are of one partition
		}
		e := example{Name: filepath.Base(path), Title: in.Title, Ask: exampleAsk{Role: in.Ask.Role, Region: in.Ask.Region}, dir: path, now: in.Now}
		if w := time.Duration(in.Ask.Window); w != 24*time.Hour {
			e.Ask.Window = strings.TrimSuffix(strings.TrimSuffix(w.String(), "0s"), "0m")
		}
		d.all = append(d.all, e)
	}
	if len(d.all) == 0 {
		return nil, usageError("there is no capture of the aws partition below " + dir)
	}
	slices.SortStableFunc(d.all, func(a, b example) int { return first(b) - first(a) })
	if d.was, err = capture.Load(ctx, d.all[0].dir, capture.Options{}); err != nil {
		return nil, err
	}
	d.emu = awsemu.New(d.was, awsemu.Options{Latency: demoLatency, QueryDuration: demoQuery})
	return d, nil
}

// first puts the incident to the front that the README's command is about.
func first(e example) int {
	if e.Ask.Role == "payments-api" && e.Ask.Region == "eu-west-1" {
		return 1
	}
	return 0
}

func (d *incidents) Close() error {
	var errs []error
	if d.emu != nil {
		errs = append(errs, d.emu.Close())
	}
	if d.was != nil {
		errs = append(errs, d.was.Close())
	}
	if d.temp != "" {
		errs = append(errs, os.RemoveAll(d.temp))
	}
	return errors.Join(errs...)
}

// aws is the account that the bot asks.
func (d *incidents) aws() app.AWS {
	return app.AWS{Config: d.emu.Config("us-east-1"), Offline: true, StatusFeed: "http://aws.invalid/public/currentevents", HTTP: d.emu.Client()}
}

// now is the moment at which the current incident's question is asked.
func (d *incidents) now() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.all[d.current].now
}

// command is what to type.
func (d *incidents) command() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	ask := d.all[d.current].Ask
	return strings.TrimSpace(strings.Join([]string{app.Command, ask.Role, ask.Region, ask.Window}, " "))
}

func (d *incidents) list(w http.ResponseWriter, _ *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	answerJSON(w, http.StatusOK, map[string]any{"current": d.all[d.current].Name, "incidents": d.all})
}

// choose makes {"name"} the current incident.
func (d *incidents) choose(w http.ResponseWriter, r *http.Request) {
	if !sameOrigin(w, r) {
		return
	}
	var in struct{ Name string }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096)).Decode(&in); err != nil {
		answerJSON(w, http.StatusBadRequest, map[string]string{"error": "invalid_json", "message": "The body must be {\"name\"}."})
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	i := slices.IndexFunc(d.all, func(e example) bool { return e.Name == in.Name })
	if i < 0 {
		answerJSON(w, http.StatusNotFound, map[string]string{"error": "unknown_incident", "message": "There is no incident of that name."})
		return
	}
	if err := d.load(r.Context(), d.all[i].dir); err != nil {
		answerJSON(w, http.StatusInternalServerError, map[string]string{"error": "not_loaded", "message": err.Error()})
		return
	}
	d.current = i
	answerJSON(w, http.StatusOK, map[string]string{"current": in.Name})
}

// load has the emulator answer from another capture, by its own control.
func (d *incidents) load(ctx context.Context, dir string) error {
	body, err := json.Marshal(map[string]string{"dir": dir})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://aws.invalid/_emu/capture", bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := d.emu.Client().Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var answer struct {
		OK    bool
		Error string
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || !answer.OK {
		return errors.Join(errors.New("load the capture: "+answer.Error), err)
	}
	return nil
}
