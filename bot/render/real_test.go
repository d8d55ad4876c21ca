package render_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stsleuth/stsleuth/internal/awsemu"
	"github.com/stsleuth/stsleuth/internal/capture"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/engine"
	"github.com/stsleuth/stsleuth/playbook/rules"
	"github.com/stsleuth/stsleuth/playbook/steps"
)

// captureDirs are the folders that may hold example incidents.
var captureDirs = []string{"../../captures", "../../../shared/captures"}

// captures finds every example incident there is, by name.
func captures(t *testing.T) map[string]string {
	t.Helper()
	var found []string
	for _, d := range captureDirs {
		if _, err := os.Stat(d); err == nil {
			dirs, err := capture.FindAll(d)
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, dirs...)
		}
	}
	if len(found) == 0 {
		t.Skipf("no captures in %v", captureDirs)
	}
	out := map[string]string{}
	for _, dir := range found {
		out[filepath.Base(dir)] = dir
	}
	return out
}

func investigate(t *testing.T, dir string) playbook.Report {
	t.Helper()
	incident, err := capture.ReadIncident(dir)
	if err != nil {
		t.Fatal(err)
	}
	c, err := capture.Load(t.Context(), dir, capture.Options{Keep: capture.KeepFor(incident.Ask.Role)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	emu := awsemu.New(c, awsemu.Options{QueryDuration: -1})
	defer emu.Close()
	clients := steps.NewClients(emu.Config(playbook.GlobalRegion(incident.Partition)))
	clients.Limits, clients.StatusFeed, clients.HTTP = steps.Unpaced, "http://aws.invalid/public/currentevents", emu.Client()

	target, err := playbook.ParseRole(incident.Ask.Role)
	if err != nil {
		t.Fatal(err)
	}
	target.Region, target.Partition = incident.Ask.Region, playbook.Partition(incident.Ask.Region)
	window := time.Duration(incident.Ask.Window)
	if window == 0 {
		window = playbook.DefaultWindow
	}
	e := engine.Engine{Plan: steps.Plan(clients, steps.Settings{}), Judge: rules.Judge, Journal: new(engine.Memory), Log: slog.New(slog.DiscardHandler)}
	report, err := e.Run(t.Context(), playbook.NewRequest("inv_"+strings.ReplaceAll(filepath.Base(dir), "-", ""), target, incident.Now, window))
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// kept are reports of real runs, so that these goldens change with the rendering
// and not with every step or rule. -update-reports makes them again.
func kept(t *testing.T, name string) playbook.Report {
	t.Helper()
	file := filepath.Join("testdata", "reports", name+".json.gz")
	if *updateReports {
		for _, d := range captureDirs {
			if _, err := os.Stat(filepath.Join(d, name)); err == nil {
				write(t, file, zipped(t, investigate(t, filepath.Join(d, name))))
			}
		}
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	var r playbook.Report
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func zipped(t *testing.T, r playbook.Report) []byte {
	for i := range r.Steps {
		r.Steps[i].TookMS = int64(100 * (i + 1)) // a run's own speed is no part of it
	}
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := z.Write(raw); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
