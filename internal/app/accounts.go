package app

import (
	"sync"

	"github.com/stsleuth/stsleuth/internal/accounts"
	"github.com/stsleuth/stsleuth/playbook"
)

// Accounts makes one plan an account: its clients, and with them the pace of
// LookupEvents and the retry quota, belong to the account. Safe for concurrent
// use; a plan is made when its account is first asked about.
type Accounts struct {
	AWS  AWS // Config is that of the program's own credentials
	Pool *accounts.Pool

	mu    sync.Mutex
	plans map[string]playbook.Plan // by account and partition; guarded by mu
}

// Plan is the investigation of a target, in its account. The error is an
// *accounts.UnknownError where nobody said how that account is read.
func (a *Accounts) Plan(t playbook.Target) (playbook.Plan, error) {
	id, err := a.Pool.Resolve(t.Account)
	if err != nil {
		return nil, err
	}
	partition := playbook.Partition(t.Region)
	a.mu.Lock()
	defer a.mu.Unlock()
	key := id + "/" + partition
	if plan, ok := a.plans[key]; ok {
		return plan, nil
	}
	one := a.AWS
	if one.Config, err = a.Pool.Config(id); err != nil {
		return nil, err
	}
	if partition != "" && playbook.Partition(one.Config.Region) != partition {
		one.Config = one.Config.Copy() // the partition follows from the region
		one.Config.Region = t.Region
	}
	plan, err := one.Plan()
	if err != nil {
		return nil, err
	}
	if a.plans == nil {
		a.plans = map[string]playbook.Plan{}
	}
	a.plans[key] = plan
	return plan, nil
}
