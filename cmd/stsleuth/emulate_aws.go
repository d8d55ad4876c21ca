package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/stsleuth/stsleuth/internal/app"
	"github.com/stsleuth/stsleuth/internal/awsemu"
	"github.com/stsleuth/stsleuth/internal/capture"
)

type emulateCmd struct {
	Slack emulateSlackCmd `cmd:"" help:"Slack: Web API, Socket Mode, and a page in the browser."`
	AWS   emulateAWSCmd   `cmd:"" name:"aws" help:"AWS, answered from a capture: IAM, STS, CloudTrail, CloudWatch Logs, CloudWatch, Health."`
}

type emulateAWSCmd struct {
	Addr      string        `default:"127.0.0.1:7802" help:"Where to listen; port 0 picks one."`
	Capture   string        `required:"" type:"existingdir" placeholder:"DIR" help:"The capture to answer from."`
	ReadyFile string        `placeholder:"FILE" help:"Write the URL here once everything is up."`
	Query     time.Duration `name:"query-duration" default:"0s" help:"How long a Logs Insights query takes."`
}

// Run serves until it is told to stop.
func (c *emulateAWSCmd) Run(ctx context.Context, s streams) error {
	loaded, err := capture.Load(ctx, c.Capture, capture.Options{})
	if err != nil {
		return err
	}
	defer loaded.Close()
	emu := awsemu.New(loaded, awsemu.Options{QueryDuration: c.Query})
	defer emu.Close()
	ask := loaded.Incident.Ask
	return listen(ctx, s, c.Addr, c.ReadyFile, "AWS emulator", emu, func(url string) {
		fmt.Fprintf(s.err, "Ask it from another shell:\n  export AWS_ENDPOINT_URL=%s AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x AWS_REGION=%s AWS_DEFAULT_REGION=%[2]s\n  stsleuth investigate %[3]s %[2]s --at %[4]s\n",
			url, ask.Region, ask.Role, loaded.Incident.Now.Format(time.RFC3339))
	})
}

// stopWithin is how long a server may take to end what it is doing.
const stopWithin = 4 * time.Second

// listen serves a handler until ctx ends, and says where; also is told the URL
// where it is not nil.
func listen(ctx context.Context, s streams, addr, readyFile, what string, h http.Handler, also func(url string)) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", addr, err)
	}
	url := "http://" + l.Addr().String()
	fmt.Fprintf(s.out, "%s listening on %s\n", what, url)
	if also != nil {
		also(url)
	}
	if err := ready(readyFile, url); err != nil {
		return errors.Join(err, l.Close())
	}
	return app.Serve(ctx, l, h, stopWithin)
}

// ready writes the URL in one move, so that a reader never sees half of it.
func ready(file, url string) error {
	if file == "" {
		return nil
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), ".ready-*")
	if err != nil {
		return fmt.Errorf("write ready file: %w", err)
	}
	_, err = fmt.Fprintln(tmp, url)
	if e := tmp.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(tmp.Name(), file)
	}
	if err != nil {
		os.Remove(tmp.Name())
		return fmt.Errorf("write ready file %s: %w", file, err)
	}
	return nil
}
