package app

import (
	"errors"
	"slices"
	"sync"

	"github.com/stsleuth/stsleuth/internal/accounts"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/steps"
)

// Accounts makes one plan an account: its clients, and with them the retry quota
// and what keeps to AWS's limits, belong to the account. Safe for concurrent use;
// a plan is made when its account is first asked about.
type Accounts struct {
	AWS    AWS            // Config is that of the program's own credentials
	Pool   *accounts.Pool // nil: everything is asked with those
	Shared steps.Shared   // counts for all replicas; nil: this process is the only one

	mu   sync.Mutex
	made map[string]account // by name of the account and partition; guarded by mu
}

// ownAccount is under what name all replicas count what they ask with the
// program's own credentials: those are of one account, and which one need not be
// asked of AWS before the first query.
const ownAccount = "own"

// account is what one account is asked with.
type account struct {
	clients steps.Clients
	plan    playbook.Plan
	checks  []playbook.FollowUp
}

// Plan is the investigation of a target, in its account. The error is an
// *accounts.UnknownError where nobody said how that account is read.
func (a *Accounts) Plan(t playbook.Target) (playbook.Plan, error) {
	one, err := a.of(t)
	return one.plan, err
}

// FollowUps are the checks on a target, as Plan.
func (a *Accounts) FollowUps(t playbook.Target) ([]playbook.FollowUp, error) {
	one, err := a.of(t)
	return one.checks, err
}

// Resolve is the account that a question is about. The error is for the person
// who asked, a *playbook.InputError.
func (a *Accounts) Resolve(named string) (string, error) {
	if a.Pool == nil {
		return named, nil
	}
	id, err := a.Pool.Resolve(named)
	if _, unknown := errors.AsType[*accounts.UnknownError](err); unknown {
		return "", &playbook.InputError{What: "role", Problem: err.Error(),
			Hint: "Whoever runs the bot adds account " + named + " under accounts in its configuration, with a read-only role."}
	}
	return id, err
}

// target is what a stored question is about, in the account that the
// investigation found where that is one that can be asked by its number.
func (a *Accounts) target(inv playbook.Investigation) playbook.Target {
	if inv.Report == nil {
		return inv.Request.Target
	}
	t := inv.Report.Request.Target
	if _, err := a.Resolve(t.Account); err != nil {
		t.Account = inv.Request.Target.Account
	}
	return t
}

func (a *Accounts) of(t playbook.Target) (account, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	one, name, key := a.AWS, ownAccount, ownAccount
	if a.Pool != nil {
		id, err := a.Pool.Resolve(t.Account)
		if err != nil {
			return account{}, err
		}
		partition := playbook.Partition(t.Region)
		if a.Pool.Account(id).RoleARN != "" {
			name = id
		}
		key = name + "/" + partition
		if one.Config, err = a.Pool.Config(id); err != nil {
			return account{}, err
		}
		if partition != "" && playbook.Partition(one.Config.Region) != partition {
			one.Config = one.Config.Copy() // the partition follows from the region
			one.Config.Region = t.Region
		}
	}
	if made, ok := a.made[key]; ok {
		return made, nil
	}
	one.Limits = steps.NewLimits(name, a.Shared)
	if a.Pool != nil {
		one.Other = a.elsewhere(t.Region)
	}
	clients := one.clients()
	plan, err := planOf(clients, one.Settings)
	if err != nil {
		return account{}, err
	}
	checks, err := checksOf(clients, one.Settings)
	if err != nil {
		return account{}, err
	}
	if a.made == nil {
		a.made = map[string]account{}
	}
	a.made[key] = account{clients, plan, checks}
	return a.made[key], nil
}

// elsewhere gives the clients of the map's other accounts, which keep to the
// limits of those: an organization's trail has its log group in one of them.
func (a *Accounts) elsewhere(region string) func(account string) (steps.Clients, bool) {
	return func(id string) (steps.Clients, bool) {
		if !slices.Contains(a.Pool.Accounts(), id) {
			return steps.Clients{}, false
		}
		one, err := a.of(playbook.Target{Account: id, Region: region})
		if err != nil {
			return steps.Clients{}, false
		}
		c := one.clients
		c.By = id
		return c, true
	}
}

// roles lists the roles of the default account.
func (a *Accounts) roles() (*roles, error) {
	one := a.AWS
	if a.Pool != nil {
		var err error
		if one.Config, err = a.Pool.Config(""); err != nil {
			return nil, err
		}
	}
	return newRoles(one), nil
}
