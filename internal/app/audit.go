package app

import (
	"github.com/stsleuth/stsleuth/internal/access"
	"github.com/stsleuth/stsleuth/internal/audit"
)

// note writes a decision into the audit log, and its hash into the program's own
// log, which is kept elsewhere: so a log that was written anew shows.
func (s *Service) note(a access.Ask, d access.Decision) error {
	log := s.log
	if a.Investigation != "" {
		log = log.With("investigation", a.Investigation)
	}
	hash, err := s.audit.Write(audit.Entry{Event: a.Event, Action: string(a.Action), Allowed: d.Allowed, Reason: d.Reason,
		Team: a.By.Team, User: a.By.User, Channel: a.At.Channel, Account: a.Account, What: a.What, Investigation: a.Investigation})
	if err != nil {
		log.Error("the audit log can't be written", "err", err)
		return err
	}
	log.Info("recorded in the audit log", "event", a.Event, "allowed", d.Allowed, "hash", hash)
	return nil
}

// opened are the channels that rules name: they take evidence even where they
// are shared with another company.
func opened(p access.Policy) (channels []string) {
	for _, rule := range p {
		channels = append(channels, rule.Channels...)
	}
	return channels
}
