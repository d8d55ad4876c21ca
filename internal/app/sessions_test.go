package app

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"github.com/stsleuth/stsleuth/internal/accounts"
)

func TestASessionThatCannotBeRenewedIsSaidOnce(t *testing.T) {
	t.Parallel()
	var log logs
	refused := errors.New("AccessDenied")
	s := &sessions{log: slog.New(slog.NewTextHandler(&log, nil)), own: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{}, refused
	})}
	lines := func(want int, why string) {
		t.Helper()
		if got := strings.Count(log.String(), "\n"); got != want {
			t.Errorf("%s: %d lines, want %d:\n%s", why, got, want, log.String())
		}
	}
	s.renew(t.Context())
	s.renew(t.Context())
	lines(1, "refused twice")
	refused = nil
	s.renew(t.Context())
	s.renew(t.Context())
	lines(2, "renewed again")
}

// Whatever ends the process (a signal, a part of it that failed) is not the
// session's fault.
func TestASessionThatIsLeftAloneIsNotRefused(t *testing.T) {
	t.Parallel()
	var log logs
	ctx, end := context.WithCancelCause(t.Context())
	s := &sessions{log: slog.New(slog.NewTextHandler(&log, nil)), own: aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		end(errors.New("the bot token was revoked"))
		<-ctx.Done()
		return aws.Credentials{}, ctx.Err()
	})}
	if err := s.keep(ctx); err != nil {
		t.Error(err)
	}
	if log.String() != "" || len(s.ends()) != 0 {
		t.Errorf("%v\n%s", s.ends(), log.String())
	}
}

// Every try at a role that refuses the bot is a record in somebody's CloudTrail.
func TestAnAccountThatRefusesIsLeftAloneForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tried := 0
		s := &sessions{log: slog.New(slog.DiscardHandler), own: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			tried++
			return aws.Credentials{}, &accounts.AssumeError{Account: "111122223333", Err: &smithy.GenericAPIError{Code: "AccessDenied"}}
		})}
		ctx, cancel := context.WithTimeout(t.Context(), 2*refusedRests+refusedRests/2)
		defer cancel()
		if err := s.keep(ctx); err != nil {
			t.Error(err)
		}
		if tried != 3 {
			t.Errorf("it was tried %d times in %s", tried, 5*refusedRests/2)
		}
	})
}
