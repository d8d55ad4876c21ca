package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/stsleuth/stsleuth/playbook"
)

// levels are those that log/slog knows.
var levels = []string{"debug", "info", "warn", "error"}

// check names everything that could not work, whatever the command. What only
// serve needs is in [Loaded.Serves].
func (l *Loaded) check() []error {
	var errs []error
	fail := func(name, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: "+format, append([]any{name}, args...)...))
	}
	if t := l.SlackBotToken.Reveal(); t != "" && !strings.HasPrefix(t, "xoxb-") && !strings.HasPrefix(t, "xoxe.xoxb-") {
		fail("slack-bot-token", "it begins with xoxb-; this is another kind of token, or it has something around it")
	}
	if t := l.SlackAppToken.Reveal(); t != "" && !strings.HasPrefix(t, "xapp-") {
		fail("slack-app-token", "it begins with xapp-; this is another kind of token, or it has something around it")
	}
	if l.SlackURL != "" {
		if u, err := url.Parse(l.SlackURL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			fail("slack-url", "%q is not a URL such as https://slack.com/api/", l.SlackURL)
		}
	}
	if len(l.Command) < 2 || len(l.Command) > 32 || l.Command[0] != '/' || strings.ContainsAny(l.Command, " \t\n") {
		fail("command", "%q is not a slash command of 2 to 32 letters", l.Command)
	}
	if l.Retention != 0 && l.Retention < time.Hour {
		fail("retention", "%s is less than an hour: buttons under a fresh answer would be dead", l.Retention)
	}
	if l.Replicas < 1 || l.Replicas > 10 { // https://docs.slack.dev/apis/events-api/using-socket-mode
		fail("replicas", "%d is not between 1 and 10, which is how many connections Slack gives an app", l.Replicas)
	}
	if _, _, err := net.SplitHostPort(l.HealthAddr); err != nil {
		fail("health-addr", "%q is not an address such as 127.0.0.1:8080 or :8080", l.HealthAddr)
	}
	if l.PprofAddr != "" && !loopback(l.PprofAddr) {
		fail("pprof-addr", "%q is not an address on loopback such as 127.0.0.1:6060: a profile is a copy of what the process knows, its secrets among it", l.PprofAddr)
	}
	if !slices.Contains(levels, l.LogLevel) {
		fail("log-level", "%q is none of %s", l.LogLevel, strings.Join(levels, ", "))
	}
	for _, r := range l.Regions {
		if _, err := playbook.ParseRegion(r); err != nil {
			fail("region", "%s", err)
		}
	}
	each := func(name string, err error) {
		if many, ok := err.(interface{ Unwrap() []error }); ok {
			for _, one := range many.Unwrap() {
				fail(name, "%w", one)
			}
		}
	}
	each("accounts", l.Accounts.Validate(l.DefaultAccount))
	each("access", l.Access.Validate())
	return errs
}

// loopback reports whether only this machine reaches an address.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}

// Serves names what the bot lacks to run, besides what Load found.
func (l *Loaded) Serves() error {
	var errs []error
	if l.SlackBotToken == "" {
		errs = append(errs, errors.New("slack-bot-token: set $SLACK_BOT_TOKEN to the token under OAuth & Permissions in the app's settings"))
	}
	if l.SlackAppToken == "" {
		errs = append(errs, errors.New("slack-app-token: set $SLACK_APP_TOKEN to a token with connections:write, made under Basic Information in the app's settings"))
	}
	return errors.Join(errs...)
}
