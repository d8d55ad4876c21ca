package main

import (
	"context"

	"github.com/stsleuth/stsleuth/internal/slackemu"
)

type emulateSlackCmd struct {
	Addr      string `default:"127.0.0.1:7801" help:"Where to listen; port 0 picks one."`
	ReadyFile string `placeholder:"FILE" help:"Write the URL here once everything is up."`
}

// Run serves until it is told to stop.
func (c *emulateSlackCmd) Run(ctx context.Context, s streams) error {
	emu := slackemu.New(slackemu.Options{})
	stopped := context.AfterFunc(ctx, func() { emu.Close() }) // sockets would hold the listener
	err := listen(ctx, s, c.Addr, c.ReadyFile, "Slack emulator", emu, nil)
	if stopped() { // it never ran
		emu.Close()
	}
	return err
}
