// Command stsleuth finds out why STS credentials expire.
//
// This file reads flags and environment and calls one small file a subcommand.
// Exit codes: 0 done, 1 could not run, 2 wrong usage.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/stsleuth/stsleuth/internal/manifest"
	"github.com/stsleuth/stsleuth/internal/policy"
	"github.com/stsleuth/stsleuth/internal/redact"
	"github.com/stsleuth/stsleuth/playbook"
)

type cli struct {
	Investigate investigateCmd `cmd:"" help:"Find out why a role's credentials expire, in a live account or in a capture."`
	FollowUp    followUpCmd    `cmd:"" name:"follow-up" help:"Carry out a check on a finished investigation: a longer window, token refresh, MFA devices, session policies, cross-account limits."`
	Eval        evalCmd        `cmd:"" help:"Run every capture below the given folders and compare the diagnosis with what it expects."`
	Serve       serveCmd       `cmd:"" help:"Run the bot: Slack in and out, AWS read, Redis for the state."`
	Demo        demoCmd        `cmd:"" help:"The whole product in the browser, with example incidents: no Slack, no AWS, no Redis needed."`
	List        listCmd        `cmd:"" help:"List stored investigations."`
	Show        showCmd        `cmd:"" help:"Show one investigation in full, or an exported report."`
	Cancel      cancelCmd      `cmd:"" help:"Stop a running investigation."`
	Rerun       rerunCmd       `cmd:"" help:"Ask the same question again."`
	Export      exportCmd      `cmd:"" help:"Write a report as Markdown and JSON with their hashes."`
	Resend      resendCmd      `cmd:"" help:"Send a message again that could not be told."`
	Emulate     emulateCmd     `cmd:"" help:"Run an emulator that any client can be pointed at."`
	Explain     explainCmd     `cmd:"" help:"Explain a step, a rule or a cause; without a name, list them."`
	Doctor      doctorCmd      `cmd:"" help:"Prove before the first incident that tokens, scopes, Redis, permissions, trails and the clock are as they must be."`
	Config      configCmd      `cmd:"" help:"Show every setting with its effective value, secrets cut, and where it came from."`
	Policy      policyCmd      `cmd:"" help:"Print the IAM permissions that stsleuth needs, and no others."`
	Manifest    manifestCmd    `cmd:"" help:"Print the Slack app's manifest."`
	Audit       auditCmd       `cmd:"" help:"Look into an audit log."`
	Health      healthCmd      `cmd:"" help:"Ask a running serve how it is."`

	Version kong.VersionFlag `help:"Tell the version, the commit and the Go that built it."`
}

// The exit codes, as the README documents them.
const (
	exitDone    = 0
	exitFailed  = 1
	exitWrongly = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], streams{os.Stdout, os.Stderr, os.Getenv}))
}

// streams are where a command reads and writes, so that tests can stand in.
type streams struct {
	out, err io.Writer
	env      func(string) string
}

// run is the whole program as a value.
func run(ctx context.Context, args []string, s streams) int {
	var c cli
	code := -1
	parser, err := kong.New(&c, kong.Name("stsleuth"), kong.Description("Why do the credentials of this role expire? Nine read-only looks at AWS, seven rules, one answer with its evidence."),
		kong.Writers(s.out, s.err), kong.Exit(func(n int) { code = n }), kong.UsageOnError(), kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(s),
		kong.Vars{"role_name": policy.RoleName, "app_name": manifest.DefaultName, "command": manifest.Command, "version": version()})
	if err != nil {
		fmt.Fprintln(s.err, "stsleuth: build the command line:", err)
		return exitFailed
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	k, err := parser.Parse(args)
	if code >= 0 {
		return code // --help has answered
	}
	if err == nil {
		err = k.Run()
		if err == nil {
			return exitDone
		}
		var input *playbook.InputError
		if !errors.As(err, &input) && !errors.As(err, new(usageError)) {
			fmt.Fprintln(s.err, "stsleuth:", redact.String(err.Error()))
			return exitFailed
		}
	}
	fmt.Fprintln(s.err, "stsleuth:", redact.String(err.Error()))
	fmt.Fprintln(s.err, "Try: stsleuth --help")
	return exitWrongly
}

// usageError is a slip on the command line that the parser can't see.
type usageError string

func (e usageError) Error() string { return string(e) }
