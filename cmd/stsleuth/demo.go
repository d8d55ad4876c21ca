package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os/exec"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/stsleuth/stsleuth/internal/app"
	"github.com/stsleuth/stsleuth/internal/slackemu"
)

type demoCmd struct {
	Addr      string `default:"127.0.0.1:7800" help:"Where to listen; port 0 picks one."`
	Capture   string `type:"existingdir" placeholder:"DIR" help:"A capture, or a folder of captures, instead of the built-in examples."`
	Open      bool   `default:"true" negatable:"" help:"Open the page in a browser."`
	ReadyFile string `placeholder:"FILE" help:"Write the URL here once everything is up."`
	Verbose   bool   `short:"v" help:"Log what happens on the way."`
}

// Run is the whole product in one process: a local Slack with its page, AWS
// answered from a capture, Redis, and the real bot between them, which knows
// nothing of all that.
func (c *demoCmd) Run(ctx context.Context, s streams) error {
	log := slog.New(slog.DiscardHandler)
	if c.Verbose {
		log = slog.New(slog.NewTextHandler(s.err, nil))
	}
	incidents, err := openIncidents(ctx, c.Capture)
	if err != nil {
		return err
	}
	defer incidents.Close()

	slack := slackemu.New(slackemu.Options{})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /demo/incidents", incidents.list)
	mux.HandleFunc("POST /demo/incidents", incidents.choose)
	mux.Handle("/", slack)
	l, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", c.Addr, err)
	}
	url := "http://" + l.Addr().String()
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	defer func() { // last: the bot drains through it
		slack.Close()
		server.Close()
		<-served
	}()

	service, err := app.New(ctx, app.Serving{BotToken: slack.App().BotToken, AppToken: slack.App().AppToken, SlackURL: url + "/api/",
		AWS: incidents.aws(), Now: incidents.now, Log: log})
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return service.Run(ctx) })
	g.Go(func() error {
		if err := upWithin(ctx, service, 30*time.Second); err != nil {
			return err
		}
		fmt.Fprintf(s.out, "stsleuth demo: %s\nType %s in #incidents. Ctrl-C ends it.\n", url, incidents.command())
		if err := ready(c.ReadyFile, url); err != nil {
			return err
		}
		if c.Open {
			browse(ctx, url)
		}
		return nil
	})
	err = g.Wait()
	if e := service.Close(); err == nil {
		err = e
	}
	return err
}

// upWithin waits until commands reach the bot.
func upWithin(ctx context.Context, service *app.Service, d time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, d, errors.New("the bot did not connect to the local Slack"))
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for service.Ready(ctx) != nil {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// browse opens a page with what the desktop has for that; without a desktop the
// printed URL must do.
func browse(ctx context.Context, url string) {
	opener := "xdg-open"
	if runtime.GOOS == "darwin" {
		opener = "open"
	}
	if path, err := exec.LookPath(opener); err == nil {
		exec.CommandContext(ctx, path, url).Start() // nobody waits for a browser
	}
}

// sameOrigin refuses what another page in the visitor's browser sends.
func sameOrigin(w http.ResponseWriter, r *http.Request) bool {
	if origin := r.Header.Get("Origin"); origin != "" && origin != "http://"+r.Host {
		answerJSON(w, http.StatusForbidden, map[string]string{"error": "cross_origin", "message": "Requests from another origin are refused."})
		return false
	}
	return true
}

func answerJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v) // the reader may have gone
}
