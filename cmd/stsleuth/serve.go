package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/middleware"
	"golang.org/x/sync/errgroup"

	"github.com/stsleuth/stsleuth/internal/app"
	"github.com/stsleuth/stsleuth/internal/config"
	"github.com/stsleuth/stsleuth/internal/redact"
	"github.com/stsleuth/stsleuth/internal/telemetry"
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
	log := slog.New(redact.Handler(slog.NewJSONHandler(s.err, &slog.HandlerOptions{Level: level})))
	traces, err := telemetry.OpenTraces(ctx, s.env, log)
	if err != nil {
		log.Warn("no traces are sent", "err", err) // no reason not to serve
	}
	defer func() {
		if err := traces.Close(); err != nil {
			log.Warn("the last traces are lost", "err", err)
		}
	}()
	metrics := telemetry.NewMetrics()
	load := []func(*awsconfig.LoadOptions) error{
		awsconfig.WithAPIOptions([]func(*middleware.Stack) error{metrics.AWS}),
		// Renewed early, whatever they come from, so that AWS may be away for minutes.
		awsconfig.WithCredentialsCacheOptions(func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow, o.ExpiryWindowJitterFrac = 5*time.Minute, 0.5 }),
	}
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
	o.Log, o.Metrics, o.Traces = log, metrics, traces
	var service atomic.Pointer[app.Service] // nil until Redis has answered
	ready := func(ctx context.Context) error {
		if s := service.Load(); s != nil {
			return s.Ready(ctx)
		}
		return errors.New("the bot has not started: it waits for the state store")
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return app.Listen(ctx, l.HealthAddr, app.Health(metrics, ready)) })
	if l.PprofAddr != "" {
		g.Go(func() error { return app.Listen(ctx, l.PprofAddr, telemetry.Profiles()) })
	}
	g.Go(func() error {
		s, err := app.New(ctx, o)
		if err != nil && ctx.Err() != nil {
			return nil // told to stop while it waited for Redis
		}
		if err != nil {
			return err
		}
		service.Store(s)
		return s.Run(ctx)
	})
	err = g.Wait()
	if s := service.Load(); s != nil {
		err = errors.Join(err, s.Close())
	}
	return err
}
