package app

import (
	"context"
	"testing"

	"github.com/stsleuth/stsleuth/internal/awsemu"
	"github.com/stsleuth/stsleuth/internal/capture"
)

// A reading of the roles outlives who caused it, and ends with the program.
func TestReadingRolesEndsWithTheProgram(t *testing.T) {
	t.Parallel()
	c, err := capture.Load(t.Context(), "../../captures/payments-hourly", capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	emu := awsemu.New(c, awsemu.Options{})
	defer emu.Close()
	fault, err := awsemu.ParseFault([]byte(`{action: "iam:ListRoles", timeout: true}`))
	if err != nil {
		t.Fatal(err)
	}
	emu.AddFault(fault)
	r := newRoles(AWS{Config: emu.Config("eu-west-1"), Offline: true})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Find(ctx, "pay", 10); err == nil {
		t.Error("somebody who has gone away has a list")
	}
	r.mu.Lock()
	reading := r.reading
	r.mu.Unlock()
	if reading == nil {
		t.Fatal("nothing is read any more")
	}
	r.close()
	select {
	case <-reading:
	default:
		t.Error("the reading goes on")
	}
}
