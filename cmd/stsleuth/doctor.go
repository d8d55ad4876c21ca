package main

import (
	"context"
	"errors"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"

	"github.com/stsleuth/stsleuth/internal/app"
	"github.com/stsleuth/stsleuth/internal/config"
	"github.com/stsleuth/stsleuth/internal/doctor"
)

type doctorCmd struct {
	config.Options `embed:""`
	Output         string `short:"o" enum:"text,json" default:"text" help:"text or json."`
}

// errMissing makes the exit code 1; the lines above it say what is missing.
var errMissing = errors.New("something is missing")

// Run proves what the bot stands on with the settings that serve would run with.
func (c *doctorCmd) Run(ctx context.Context, s streams) error {
	loaded, err := config.Load(c.Options, s.env)
	if err != nil {
		return err
	}
	var load []func(*awsconfig.LoadOptions) error
	if len(loaded.Regions) > 0 {
		load = append(load, awsconfig.WithDefaultRegion(loaded.Regions[0]))
	}
	cfg, err := awsconfig.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return err
	}
	if cfg.Region == "" {
		return usageError("say in which region people ask: --region eu-west-1, or AWS_REGION")
	}
	setup, closed, err := app.Doctor(loaded, cfg)
	if err != nil {
		return err
	}
	results := doctor.Examine(ctx, doctor.Groups(setup), nil)
	write := doctor.Text
	if c.Output == "json" {
		write = doctor.JSON
	}
	if err := errors.Join(write(s.out, results), closed()); err != nil {
		return err
	}
	if !doctor.Sound(results) {
		return errMissing
	}
	return nil
}
