package steps

import (
	"cmp"
	"strings"

	"github.com/stsleuth/stsleuth/internal/cloudtrail"
	"github.com/stsleuth/stsleuth/internal/redact"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

// trailRole is the role as CloudTrail's records name it. Without its ARN, which
// only IAM tells, the path stays open: names are unique in an account anyway.
func trailRole(t playbook.Target) cloudtrail.Role {
	if role, ok := cloudtrail.ParseRole(t.RoleARN); ok {
		return role
	}
	return cloudtrail.Role{Partition: t.Partition, Account: t.Account, Path: t.Path, Name: t.Role}
}

// callerOf is who made a call, as far as this copy of its record shows.
func callerOf(r cloudtrail.Record) facts.Caller {
	id := r.Identity
	c := facts.Caller{Type: id.Type, ARN: said(id.ARN, 300), Account: id.AccountID, Principal: said(cmp.Or(r.Response.Subject, id.PrincipalID), 300),
		UserName: said(id.UserName, 200), IssuerARN: said(id.SessionIssuer.ARN, 300),
		// Of a SAML user the identity names no provider but a qualifier of its subject.
		// https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html
		Provider: said(cmp.Or(r.Request.PrincipalARN, id.IdentityProvider, r.Response.Provider), 300),
		Service:  said(id.InvokedBy, 100), Key: redact.Key(id.AccessKeyID), Temporary: truthOf(r.Chained()), Since: id.SessionCreated}
	if id.MFAKnown {
		c.MFA = playbook.Known(id.MFA)
	}
	return c
}

func truthOf(a cloudtrail.Answer) playbook.Truth {
	switch a {
	case cloudtrail.Yes:
		return playbook.Yes
	case cloudtrail.No:
		return playbook.No
	}
	return playbook.Unknown
}

// endpointOf is the STS endpoint that was called: regional, global or unknown.
func endpointOf(r cloudtrail.Record) string {
	switch {
	case r.GlobalEndpoint():
		return "global"
	case r.HostHeader != "" && r.Additional.EndpointType == "":
		return "regional"
	}
	return r.Additional.EndpointType
}

// roleOf is the ARN of the role that an issuing call asks for: refused calls may
// have it only among the resources or in the message.
func roleOf(r cloudtrail.Record) string {
	if r.Request.RoleARN != "" {
		return r.Request.RoleARN
	}
	for _, res := range r.Resources {
		if _, ok := cloudtrail.ParseRole(res.ARN); ok {
			return res.ARN
		}
	}
	if _, after, ok := strings.Cut(r.ErrorMessage, "on resource: "); ok {
		arn, _, _ := strings.Cut(after, " ")
		if _, ok := cloudtrail.ParseRole(arn); ok {
			return arn
		}
	}
	return ""
}

// said is a text of AWS's or of a log as it may be stored: cut of secrets and
// shortened to n letters.
func said(s string, n int) string { return clip(redact.String(redact.Head(s, 8*n+512)), n) }

func clip(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}

func seconds(p *int) int {
	if p == nil {
		return 0
	}
	return *p
}
