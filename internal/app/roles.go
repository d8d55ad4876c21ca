package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/steps"
)

const (
	// rolesFor is how long the account's list of roles is used: who searches for
	// a newer one can type its name.
	rolesFor = 5 * time.Minute
	// rolesMost bounds the list. IAM gives an account at most 10,000 roles.
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
	rolesMost = 10_000
	// rolesWithin bounds one reading of the list, which goes on after the person
	// who caused it has stopped waiting.
	rolesWithin = time.Minute
	// rolesPage is the most that IAM gives at once.
	// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRoles.html
	rolesPage = 1000
)

// roles lists the account's roles for the form's search.
type roles struct {
	iam      iam.ListRolesAPIClient
	keep     time.Duration
	ctx      context.Context // of readings: they go on after who caused them has stopped waiting
	end      context.CancelFunc
	readings sync.WaitGroup

	mu      sync.Mutex
	list    []playbook.Target // guarded by mu
	until   time.Time         // guarded by mu: list is used until then
	reading chan struct{}     // guarded by mu: closed when the reading under way ends, nil without one
	err     error             // guarded by mu: of the last reading
}

func newRoles(a AWS) *roles {
	r := &roles{iam: steps.NewClients(a.Config).IAM, keep: rolesFor}
	r.ctx, r.end = context.WithCancel(context.Background())
	if a.Offline {
		r.keep = 0 // an emulator's capture may be another one next time
	}
	return r
}

// Find implements handlers.Roles: names that begin with text come first.
func (r *roles) Find(ctx context.Context, text string, n int) ([]playbook.Target, error) {
	list, err := r.read(ctx)
	text = strings.ToLower(text)
	var first, then []playbook.Target
	for _, t := range list {
		switch name := strings.ToLower(t.Role); {
		case strings.HasPrefix(name, text):
			first = append(first, t)
		case strings.Contains(name, text):
			then = append(then, t)
		}
	}
	found := append(first, then...)
	return found[:min(n, len(found))], err
}

// read gives the list; the first one that needs it has it read, and all wait
// for that one reading.
func (r *roles) read(ctx context.Context) ([]playbook.Target, error) {
	r.mu.Lock()
	if time.Now().Before(r.until) {
		defer r.mu.Unlock()
		return r.list, nil
	}
	if r.reading == nil {
		r.reading = make(chan struct{})
		r.readings.Go(r.refresh)
	}
	reading := r.reading
	r.mu.Unlock()
	select {
	case <-reading:
	case <-ctx.Done():
		return nil, fmt.Errorf("list roles: %w", context.Cause(ctx))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.list, r.err
}

// close ends a reading under way. Nobody may call Find any more.
func (r *roles) close() {
	r.end()
	r.readings.Wait()
}

func (r *roles) refresh() {
	ctx, cancel := context.WithTimeout(r.ctx, rolesWithin)
	defer cancel()
	var list []playbook.Target
	var err error
	pages := iam.NewListRolesPaginator(r.iam, &iam.ListRolesInput{MaxItems: aws.Int32(rolesPage)})
	for err == nil && pages.HasMorePages() && len(list) < rolesMost {
		var page *iam.ListRolesOutput
		if page, err = pages.NextPage(ctx); err == nil {
			for _, role := range page.Roles {
				list = append(list, playbook.Target{Role: aws.ToString(role.RoleName), Path: aws.ToString(role.Path)})
			}
		}
	}
	slices.SortFunc(list, func(a, b playbook.Target) int { return strings.Compare(a.Role, b.Role) })
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err = err; err == nil {
		r.list, r.until = list, time.Now().Add(r.keep)
	}
	close(r.reading)
	r.reading = nil
}
