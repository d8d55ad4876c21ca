package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"golang.org/x/sync/errgroup"

	"github.com/stsleuth/stsleuth/internal/app"
	"github.com/stsleuth/stsleuth/internal/config"
)

type serveCmd struct {
	config.Options `embed:""`
}

// Run serves until it is told to stop.
func (c *serveCmd) Run(ctx context.Context, s streams) error {
	l, err := config.Load(c.Options, s.env)
	if err = errors.Join(err, l.Serves()); err != nil {
		return err
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.LogLevel)); err != nil {
		return fmt.Errorf("read log-level: %w", err)
	}
	log := slog.New(slog.NewJSONHandler(s.err, &slog.HandlerOptions{Level: level}))
	var load []func(*awsconfig.LoadOptions) error
	if len(l.Regions) > 0 {
		load = append(load, awsconfig.WithDefaultRegion(l.Regions[0]))
	}
	cfg, err := awsconfig.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return fmt.Errorf("load AWS configuration: %w", err)
	}
	o, err := app.Configured(l, cfg)
	if err != nil {
		return err
	}
	o.Log = log
	service, err := app.New(ctx, o)
	if err != nil && ctx.Err() != nil {
		return nil // told to stop while it waited for Redis
	}
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return app.Probes(ctx, l.HealthAddr, service.Health()) })
	g.Go(func() error { return service.Run(ctx) })
	err = g.Wait()
	if e := service.Close(); err == nil {
		err = e
	}
	return err
}
