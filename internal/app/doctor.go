package app

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/stsleuth/stsleuth/internal/accounts"
	"github.com/stsleuth/stsleuth/internal/config"
	"github.com/stsleuth/stsleuth/internal/doctor"
	"github.com/stsleuth/stsleuth/store"
)

// Doctor is what `stsleuth doctor` looks at, from the settings that serve would
// run with and the program's own AWS configuration. Close ends what was opened.
func Doctor(l *config.Loaded, own aws.Config) (setup doctor.Setup, closed func() error, err error) {
	pool, err := accounts.New(own, l.Accounts, l.DefaultAccount)
	if err != nil {
		return setup, nil, err
	}
	regions := l.Regions
	if len(regions) == 0 {
		regions = []string{own.Region}
	}
	if own.Region == "" {
		own.Region = regions[0]
	}
	actions, err := AWS{Config: own}.Actions()
	if err != nil {
		return setup, nil, err
	}
	channels := opened(l.Access)
	slices.Sort(channels)
	var state *store.Store
	setup = doctor.Setup{
		Slack: &doctor.Slack{URL: l.SlackURL, BotToken: l.SlackBotToken.Reveal(), AppToken: l.SlackAppToken.Reveal(), Channels: slices.Compact(channels)},
		AWS:   &doctor.AWS{Pool: pool, Regions: regions, Actions: actions, LogGroups: l.LogGroups},
		Redis: &doctor.Redis{Embedded: l.RedisURL == "" || l.RedisURL == "embedded:",
			Open: func(ctx context.Context) (err error) {
				state, err = store.Open(ctx, l.RedisURL, store.Options{})
				return err
			},
			Servers: func(ctx context.Context) ([]doctor.Server, error) {
				facts, err := state.Servers(ctx)
				out := make([]doctor.Server, len(facts))
				for i, f := range facts {
					out[i] = doctor.Server(f)
				}
				return out, err
			}},
	}
	return setup, func() error {
		if state == nil {
			return nil
		}
		return state.Close()
	}, nil
}
