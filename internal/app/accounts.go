package app

import (
	"errors"
	"sync"

	"github.com/stsleuth/stsleuth/internal/accounts"
	"github.com/stsleuth/stsleuth/playbook"
)

// Accounts makes one plan an account: its clients, and with them the pace of
// LookupEvents and the retry quota, belong to the account. Safe for concurrent
// use; a plan is made when its account is first asked about.
type Accounts struct {
	AWS  AWS            // Config is that of the program's own credentials
	Pool *accounts.Pool // nil: everything is asked with those

	mu   sync.Mutex
	made map[string]account // by account and partition; guarded by mu
}

// account is what one account is asked with.
type account struct {
	plan   playbook.Plan
	checks []playbook.FollowUp
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
	one, key := a.AWS, ""
	if a.Pool != nil {
		id, err := a.Pool.Resolve(t.Account)
		if err != nil {
			return account{}, err
		}
		partition := playbook.Partition(t.Region)
		key = id + "/" + partition
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
	plan, err := one.Plan()
	if err != nil {
		return account{}, err
	}
	checks, err := one.FollowUps()
	if err != nil {
		return account{}, err
	}
	if a.made == nil {
		a.made = map[string]account{}
	}
	a.made[key] = account{plan, checks}
	return a.made[key], nil
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
