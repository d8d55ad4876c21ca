package main

import (
	"context"
	"time"

	"github.com/stsleuth/stsleuth/internal/app"
	"github.com/stsleuth/stsleuth/internal/awsemu"
	"github.com/stsleuth/stsleuth/internal/capture"
	"github.com/stsleuth/stsleuth/playbook"
)

// offline is a capture with an emulator in front of it, in this process: the
// steps ask it as they ask AWS.
type offline struct {
	incident capture.Incident
	aws      app.AWS
	emu      *awsemu.Server
	capture  *capture.Capture
}

// openCapture loads what an investigation of role can ask for; of the role that
// the capture itself asks about where none is given.
func openCapture(ctx context.Context, dir, role string, options awsemu.Options) (*offline, error) {
	if role == "" {
		incident, err := capture.ReadIncident(dir)
		if err != nil {
			return nil, err
		}
		role = incident.Ask.Role
	}
	c, err := capture.Load(ctx, dir, capture.Options{Keep: capture.KeepFor(role)})
	if err != nil {
		return nil, err
	}
	emu := awsemu.New(c, options)
	return &offline{incident: c.Incident, emu: emu, capture: c,
		aws: app.AWS{Config: emu.Config(playbook.GlobalRegion(c.Incident.Partition)), Offline: true, StatusFeed: "http://aws.invalid/public/currentevents", HTTP: emu.Client()}}, nil
}

// question is what the capture asks.
func (o *offline) question() question {
	ask := o.incident.Ask
	return question{ask.Role, ask.Region, time.Duration(ask.Window)}
}

func (o *offline) Close() error {
	err := o.emu.Close()
	if e := o.capture.Close(); err == nil {
		err = e
	}
	return err
}
