package main

import (
	"context"

	"github.com/stsleuth/stsleuth/internal/config"
)

type configCmd struct {
	config.Options `embed:""`
}

// Run prints what serve would run with, and then everything that is wrong with it.
func (c *configCmd) Run(_ context.Context, s streams) error {
	loaded, err := config.Load(c.Options, s.env)
	if e := loaded.Print(s.out); e != nil {
		return e
	}
	return err
}
