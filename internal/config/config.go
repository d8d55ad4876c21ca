// Package config is everything that an operator can choose: one struct, read
// from flags, environment and one YAML file under the same names, checked at
// start with all errors at once.
//
// In come [Options] as the flags left them; [Load] fills in the rest, flags
// before environment before file before default, and notes where each value came
// from. Secrets come from the environment, or from a file that environment or
// YAML name as @/path: never from a flag, which every user of the machine can
// see, nor from the YAML itself, which ends up in version control.
//
// secret.go keeps secrets out of anything printed, check.go has the rules,
// print.go is what `stsleuth config` shows. Next: internal/app.
package config

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/stsleuth/stsleuth/internal/access"
	"github.com/stsleuth/stsleuth/internal/accounts"
)

// Options are all settings. A tag `var` names the environment variable,
// `standard` the default; `name` and `help` are the flag's. Fields with kong:"-"
// are no flags: secrets, and what only fits into the file.
type Options struct {
	Config string `name:"config" var:"STSLEUTH_CONFIG" placeholder:"FILE" help:"YAML file with the same names as the flags ($STSLEUTH_CONFIG)."`

	SlackBotToken Secret `kong:"-" name:"slack-bot-token" var:"SLACK_BOT_TOKEN"` // xoxb-
	SlackAppToken Secret `kong:"-" name:"slack-app-token" var:"SLACK_APP_TOKEN"` // xapp-, with connections:write
	SlackURL      string `name:"slack-url" var:"SLACK_API_URL" placeholder:"URL" help:"Another Web API than Slack's, for example an emulator's ($SLACK_API_URL)."`
	Command       string `name:"command" var:"STSLEUTH_COMMAND" standard:"/sts-expired" placeholder:"/sts-expired" help:"The slash command, as the app's manifest has it ($STSLEUTH_COMMAND)."`

	RedisURL  string        `name:"redis-url" var:"REDIS_URL" placeholder:"URL" help:"Where the state is kept: redis://, rediss://, redis-sentinel://, redis-cluster://; in this process where none is given. With a password only in $REDIS_URL."`
	Retention time.Duration `name:"retention" var:"STSLEUTH_RETENTION" standard:"720h" placeholder:"720h" help:"How long an ended investigation is kept ($STSLEUTH_RETENTION)."`
	Replicas  int           `name:"replicas" var:"STSLEUTH_REPLICAS" standard:"1" placeholder:"1" help:"How many processes share the app-level token, to notice others that do ($STSLEUTH_REPLICAS)."`

	HealthAddr string `name:"health-addr" aliases:"health" var:"STSLEUTH_HEALTH_ADDR" standard:"127.0.0.1:8080" placeholder:"ADDR" help:"Where /healthz, /readyz and /metrics answer ($STSLEUTH_HEALTH_ADDR)."`
	PprofAddr  string `name:"pprof-addr" var:"STSLEUTH_PPROF_ADDR" placeholder:"ADDR" help:"Where Go's profiles answer, on loopback only, for example 127.0.0.1:6060; nowhere when it is not given ($STSLEUTH_PPROF_ADDR)."`
	LogLevel   string `name:"log-level" var:"STSLEUTH_LOG_LEVEL" standard:"info" placeholder:"info" help:"debug, info, warn or error ($STSLEUTH_LOG_LEVEL)."`
	AuditLog   string `name:"audit-log" var:"STSLEUTH_AUDIT_LOG" placeholder:"FILE" help:"Record every command, press and refusal here, hash-chained; one file a replica ($STSLEUTH_AUDIT_LOG)."`

	LogGroups []string `name:"log-group" var:"STSLEUTH_LOG_GROUPS" placeholder:"NAME" help:"Application log groups to read; discovered when none is given ($STSLEUTH_LOG_GROUPS, comma-separated)."`
	Regions   []string `name:"region" var:"STSLEUTH_REGIONS" placeholder:"REGION" help:"Regions that doctor checks; the AWS configuration's own when none is given ($STSLEUTH_REGIONS, comma-separated)."`

	DefaultAccount string        `name:"default-account" var:"STSLEUTH_DEFAULT_ACCOUNT" placeholder:"ID" help:"The account that a role without ARN is of ($STSLEUTH_DEFAULT_ACCOUNT)."`
	Accounts       accounts.Map  `kong:"-" name:"accounts"` // how each account is read
	Access         access.Policy `kong:"-" name:"access"`   // who may do what
}

// Origin is where a value came from: "flag", "$NAME", "file FILE", "default" or
// "" for a value that is not set.
type Origin string

// The origins without a name.
const (
	fromFlag    Origin = "flag"
	fromDefault Origin = "default"
)

// Loaded are the effective settings.
type Loaded struct {
	Options
	Origins map[string]Origin // by name
}

// Load completes what the flags say. Its error has a line for everything that is
// wrong; what is right is filled in all the same.
func Load(flags Options, env func(string) string) (*Loaded, error) {
	l := &Loaded{Options: flags, Origins: map[string]Origin{}}
	var errs []error
	fail := func(name string, err error) { errs = append(errs, fmt.Errorf("%s: %w", name, err)) }

	if v := env("STSLEUTH_CONFIG"); l.Config == "" && v != "" {
		l.Config, l.Origins["config"] = v, "$STSLEUTH_CONFIG"
	}
	file, err := readFile(l.Config)
	if err != nil {
		errs = append(errs, err)
	}
	v := reflect.ValueOf(&l.Options).Elem()
	for i := range v.NumField() {
		tag, field := v.Type().Field(i).Tag, v.Field(i)
		name, variable := tag.Get("name"), tag.Get("var")
		node, inFile := file[name]
		delete(file, name)
		switch {
		case l.Origins[name] != "":
		case !field.IsZero():
			l.Origins[name] = fromFlag
		case variable != "" && env(variable) != "":
			l.Origins[name] = Origin("$" + variable)
			if err := setText(field, env(variable)); err != nil {
				fail(name+" ($"+variable+")", err)
			}
		case inFile:
			l.Origins[name] = Origin("file " + l.Config)
			if err := setNode(field, node); err != nil {
				fail(name+" (file "+l.Config+")", err)
			}
		case tag.Get("standard") != "":
			l.Origins[name] = fromDefault
			if err := setText(field, tag.Get("standard")); err != nil {
				fail(name, err)
			}
		}
	}
	for name := range file {
		fail("file "+l.Config, fmt.Errorf("there is no setting named %q; the names are %s", name, strings.Join(Names(), ", ")))
	}
	errs = append(errs, l.secrets()...)
	errs = append(errs, l.check()...)
	slices.SortStableFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return l, errors.Join(errs...)
}

// Names are those of all settings, in order.
func Names() []string {
	var out []string
	for f := range reflect.TypeFor[Options]().Fields() {
		out = append(out, f.Tag.Get("name"))
	}
	return out
}

// maxFile bounds the YAML file and files with secrets, in bytes.
const maxFile = 1 << 20

// readFile gives the file's settings by name, unread.
func readFile(path string) (map[string]ast.Node, error) {
	if path == "" {
		return nil, nil
	}
	if info, err := os.Stat(path); err == nil && info.Size() > maxFile {
		return nil, fmt.Errorf("config: %s is larger than %d bytes", path, maxFile)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	if len(strings.TrimSpace(string(text))) == 0 {
		return nil, nil
	}
	var nodes map[string]ast.Node
	if err := yaml.Unmarshal(text, &nodes); err != nil {
		return nil, fmt.Errorf("config: read %s: %s", path, yaml.FormatError(err, false, false))
	}
	return nodes, nil
}

// setText sets a field from one text; lists are comma-separated.
func setText(field reflect.Value, text string) error {
	switch p := field.Addr().Interface().(type) {
	case *string:
		*p = text
	case *Secret:
		*p = Secret(text)
	case *int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("%q is not a whole number", text)
		}
		*p = n
	case *time.Duration:
		d, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("%q is not a duration such as 720h or 90m", text)
		}
		*p = d
	case *[]string:
		for one := range strings.SplitSeq(text, ",") {
			if one = strings.TrimSpace(one); one != "" {
				*p = append(*p, one)
			}
		}
	default:
		return fmt.Errorf("a %T can't be set from text", p)
	}
	return nil
}

// setNode sets a field from the YAML file.
func setNode(field reflect.Value, node ast.Node) error {
	switch p := field.Addr().Interface().(type) {
	case *Secret, *time.Duration:
		var text string
		if err := yaml.NodeToValue(node, &text); err != nil {
			return errors.New("it is not a text")
		}
		return setText(field, text)
	case *[]string:
		if node.Type() == ast.StringType {
			return setText(field, node.String())
		}
		return decode(node, p)
	default:
		return decode(node, p)
	}
}

func decode(node ast.Node, into any) error {
	if err := yaml.NodeToValue(node, into, yaml.Strict()); err != nil {
		return errors.New(yaml.FormatError(err, false, false))
	}
	return nil
}
