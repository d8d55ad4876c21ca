package main

import (
	"context"

	"github.com/stsleuth/stsleuth/internal/manifest"
)

type manifestCmd struct {
	Name    string `default:"${app_name}" help:"The app's name in Slack, at most 35 letters."`
	Command string `default:"${command}" help:"The command; set serve's --command to the same."`
}

// Run prints what to paste under "Create an app from a manifest".
func (c *manifestCmd) Run(_ context.Context, s streams) error {
	switch {
	case c.Name == "" || len([]rune(c.Name)) > 35:
		return usageError("an app's name in Slack has 1 to 35 letters")
	case len(c.Command) < 2 || len(c.Command) > 32 || c.Command[0] != '/':
		return usageError("a command begins with / and has 2 to 32 letters")
	}
	_, err := s.out.Write(manifest.New(c.Name, c.Command).JSON())
	return err
}
