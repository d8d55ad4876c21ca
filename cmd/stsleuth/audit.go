package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/stsleuth/stsleuth/internal/audit"
)

type auditCmd struct {
	Verify auditVerifyCmd `cmd:"" help:"Check that no line of an audit log was changed, taken out, put in or moved."`
}

type auditVerifyCmd struct {
	File string `arg:"" type:"existingfile" help:"The audit log."`
	Head string `placeholder:"HASH" help:"The hash that the last entry must have, as the bot's own log has it: shows lines that were cut off the end."`
}

// Run reads the whole chain.
func (c *auditVerifyCmd) Run(_ context.Context, s streams) error {
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer f.Close()
	sum, err := audit.Verify(f)
	if err != nil {
		return fmt.Errorf("%s does not hold: %w", c.File, err)
	}
	if c.Head != "" && c.Head != sum.Head {
		return fmt.Errorf("%s does not end with that entry: its last is number %d, %s", c.File, sum.Entries, sum.Head)
	}
	if sum.Entries == 0 {
		return errors.New(c.File + " has no entries")
	}
	fmt.Fprintf(s.out, "%d entries hold, %d of them refusals, %s to %s\nlast: %s\n", sum.Entries, sum.Refused, sum.First.Format(time.RFC3339), sum.Last.Format(time.RFC3339), sum.Head)
	if sum.Torn > 0 {
		fmt.Fprintf(s.out, "An unfinished line of %d bytes follows: its writer was killed, or is writing just now.\n", sum.Torn)
	}
	return nil
}
