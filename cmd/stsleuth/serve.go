package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"golang.org/x/sync/errgroup"

	"github.com/stsleuth/stsleuth/internal/app"
)

type serveCmd struct {
	BotToken string `env:"SLACK_BOT_TOKEN" required:"" placeholder:"xoxb-…" help:"The bot's token. Give it in the environment."`
	AppToken string `env:"SLACK_APP_TOKEN" required:"" placeholder:"xapp-…" help:"The app-level token with connections:write. Give it in the environment."`
	SlackURL string `name:"slack-url" env:"SLACK_API_URL" placeholder:"URL" help:"Another Web API than Slack's, for example an emulator's."`
	RedisURL string `name:"redis-url" env:"REDIS_URL" placeholder:"URL" help:"Where the state is kept: redis://, rediss://, redis-sentinel://, redis-cluster://. In this process where none is given."`
	Replicas int    `env:"STSLEUTH_REPLICAS" default:"1" help:"How many processes share the app token, to notice others that do."`
	Health   string `env:"STSLEUTH_HEALTH_ADDR" default:"127.0.0.1:8080" placeholder:"ADDR" help:"Where /healthz and /readyz answer."`

	Retention time.Duration `default:"720h" help:"How long an ended investigation is kept."`
	LogGroups []string      `name:"log-group" env:"STSLEUTH_LOG_GROUPS" placeholder:"NAME" help:"Application log groups to read; discovered when none is given."`
	Verbose   bool          `short:"v" help:"Log more."`
}

// Run serves until it is told to stop.
func (c *serveCmd) Run(ctx context.Context, s streams) error {
	level := slog.LevelInfo
	if c.Verbose {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewJSONHandler(s.err, &slog.HandlerOptions{Level: level}))
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return fmt.Errorf("load AWS configuration: %w", err)
	}
	o := app.Serving{BotToken: c.BotToken, AppToken: c.AppToken, SlackURL: c.SlackURL, RedisURL: c.RedisURL, Replicas: c.Replicas, AWS: app.AWS{Config: cfg}, Log: log}
	o.Store.Retention = c.Retention
	o.AWS.Settings.AppLogGroups = c.LogGroups
	service, err := app.New(ctx, o)
	if err != nil && ctx.Err() != nil {
		return nil // told to stop while it waited for Redis
	}
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return app.Probes(ctx, c.Health, service.Health()) })
	g.Go(func() error { return service.Run(ctx) })
	err = g.Wait()
	if e := service.Close(); err == nil {
		err = e
	}
	return err
}
