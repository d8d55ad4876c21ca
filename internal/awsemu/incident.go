package awsemu

import (
	"github.com/stsleuth/stsleuth/internal/capture"
)

// incident is a capture as one account sees it.
type incident struct {
	*capture.Incident
	*capture.Capture
	groups   []*logGroup
	recorded string // the account whose records name no recipient
}

func newIncident(c *capture.Capture) *incident {
	return newView(c, c.Incident.Account)
}

func newView(c *capture.Capture, recorded string) *incident {
	in := &incident{Incident: &c.Incident, Capture: c, recorded: recorded}
	in.groups = logGroups(in)
	return in
}

// as is what another account of the organization would see: of a capture, its own copies of the records, its own log
// groups, and the organization's trails, whose log group only its owner can read.
func (in *incident) as(account string) *incident {
	if account == in.Account {
		return in
	}
	asked := *in.Incident
	asked.Account = account
	other := &capture.Capture{Incident: asked, Records: in.Records}
	for _, g := range in.Groups {
		if g.Account == account {
			g.Account, g.Linked = "", false
			other.Groups = append(other.Groups, g)
		}
	}
	for _, t := range in.Trails {
		if t.IsOrganizationTrail {
			other.Trails = append(other.Trails, t)
		}
	}
	return newView(other, in.recorded)
}

// A principal is who calls.
type principal struct {
	account, arn, userID string
	temporary            bool // with credentials of AssumeRole
}

// seenBy finds out who signed, and what that account may see. Keys that AssumeRole did not issue are the account's own.
func (s *Server) seenBy(sc scope) (*incident, principal) {
	in := s.incident.Load()
	s.mu.Lock()
	p, ok := s.issued[sc.accessKey]
	s.mu.Unlock()
	if !ok {
		p = principal{account: in.Account, arn: "arn:" + in.Partition + ":iam::" + in.Account + ":user/stsleuth", userID: "AIDAIOSFODNN7EXAMPLE"}
	}
	return in.as(p.account), p
}
