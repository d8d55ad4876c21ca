package app

import (
	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/stsleuth/stsleuth/internal/accounts"
	"github.com/stsleuth/stsleuth/internal/config"
)

// Configured is what serve runs with, from the settings and the program's own
// AWS configuration.
func Configured(l *config.Loaded, own aws.Config) (Serving, error) {
	o := Serving{BotToken: l.SlackBotToken.Reveal(), AppToken: l.SlackAppToken.Reveal(), SlackURL: l.SlackURL, Command: l.Command,
		RedisURL: l.RedisURL, Replicas: l.Replicas, AWS: AWS{Config: own}, Access: l.Access, AuditLog: l.AuditLog}
	o.Store.Retention = l.Retention
	o.AWS.Settings.AppLogGroups = l.LogGroups
	if len(l.Accounts) == 0 {
		return o, nil
	}
	var err error
	o.Pool, err = accounts.New(own, l.Accounts, l.DefaultAccount)
	return o, err
}
