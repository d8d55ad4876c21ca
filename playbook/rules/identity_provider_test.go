package rules

import (
	"strings"
	"testing"
	"time"

	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

const (
	issuer   = "oidc.eks.eu-west-1.amazonaws.com/id/0A1B"
	provider = "arn:aws:iam::" + account + ":oidc-provider/" + issuer
	samlARN  = "arn:aws:iam::" + account + ":saml-provider/office"
)

// federated is a scene of a role for one subject of an OIDC provider.
func federated(t *testing.T) *scene {
	s := newScene(t)
	s.config.TrustPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"` + provider + `"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"` +
		issuer + `:sub":"system:serviceaccount:a:b","` + issuer + `:aud":"sts.amazonaws.com"}}}]}`
	s.idp = facts.Federation{Used: playbook.Yes, Providers: []facts.Provider{{ARN: provider, Kind: "oidc", Exists: playbook.Yes, Listed: playbook.Yes, Audiences: []string{"sts.amazonaws.com"}}}}
	return s
}

func token(from, subject, audience string) facts.Caller {
	return facts.Caller{Type: "WebIdentityUser", Provider: from, UserName: subject, Principal: from + ":" + audience + ":" + subject}
}

func TestStaleToken(t *testing.T) {
	stale := func(s *scene, now, until time.Time) {
		l := s.line(ago(time.Hour), "pod-1", facts.IdentityTokenExpired, "Token expired: current date/time")
		l.Now, l.Until = now, until
	}
	t.Run("both times give how stale it was", func(t *testing.T) {
		s := federated(t)
		stale(s, ago(time.Hour), ago(3*time.Hour))
		r := s.want(playbook.IDPTokenExpired)
		s.wantConfidence(playbook.IDPTokenExpired, playbook.High)
		if why := r.Diagnosis.Causes[0].Why; !strings.Contains(why, "2 h later") {
			t.Error(why)
		}
	})
	t.Run("without times it is medium", func(t *testing.T) {
		s := federated(t)
		stale(s, time.Time{}, time.Time{})
		s.wantConfidence(playbook.IDPTokenExpired, playbook.Medium)
	})
	t.Run("a SAML assertion's five minutes need no times", func(t *testing.T) {
		s := newScene(t)
		s.line(ago(time.Hour), "desk-1", facts.IdentityTokenExpired, "Token must be redeemed within 5 minutes of issuance")
		s.wantConfidence(playbook.IDPTokenExpired, playbook.High)
	})
}

func TestProviderState(t *testing.T) {
	bad := func(s *scene) {
		s.line(ago(time.Hour), "pod-1", facts.IdentityProviderBad, "InvalidIdentityToken: Response signature invalid")
	}
	until := func(at time.Time) func(s *scene) {
		return func(s *scene) {
			s.idp.Providers = []facts.Provider{{ARN: samlARN, Kind: "saml", Exists: playbook.Yes, ValidUntil: at}}
		}
	}
	for _, c := range []struct {
		name       string
		make       func(s *scene)
		refused    bool
		confidence playbook.Confidence
		want       []playbook.CauseID
	}{
		{"the provider is gone", func(s *scene) { s.idp.Providers[0].Exists = playbook.No }, true, playbook.High, []playbook.CauseID{playbook.IDPConfig}},
		{"whether it is there is not known", func(s *scene) { s.idp.Providers[0].Exists = playbook.Unknown }, true, playbook.High, []playbook.CauseID{playbook.IDPConfig}},
		{"the audience is not listed", func(s *scene) { s.idp.Providers[0].Listed = playbook.No }, true, playbook.High, []playbook.CauseID{playbook.IDPConfig}},
		{"SAML metadata ended a second ago", until(end.Add(-time.Second)), true, playbook.High, []playbook.CauseID{playbook.IDPConfig}},
		{"the provider is gone, and nothing is refused", func(s *scene) { s.idp.Providers[0].Exists = playbook.No }, false, 0, nil},
		{"SAML metadata ended, and nothing is refused", until(end.Add(-time.Second)), false, 0, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := federated(t)
			c.make(s)
			if c.refused {
				bad(s)
			}
			s.want(c.want...)
			if len(c.want) > 0 {
				s.wantConfidence(playbook.IDPConfig, c.confidence)
			}
		})
	}
	t.Run("metadata is told when it has ended, and not a second before", func(t *testing.T) {
		for _, c := range []struct {
			at   time.Time
			told bool
		}{{end.Add(-time.Second), true}, {end, false}} {
			s := federated(t)
			until(c.at)(s)
			bad(s)
			if why := s.judge().Diagnosis.Causes[0].Why; strings.Contains(why, "was valid until") != c.told {
				t.Errorf("valid until %s: %s", c.at, why)
			}
		}
	})
}

// A refused web identity whose token was taken: what the trust policy says of it.
func TestRefusedWebIdentity(t *testing.T) {
	for _, c := range []struct {
		name string
		who  facts.Caller
		want playbook.CauseID
	}{
		{"another issuer", token("arn:aws:iam::"+account+":oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/NEW", "system:serviceaccount:a:b", "sts.amazonaws.com"), playbook.IDPConfig},
		{"another audience", token(provider, "system:serviceaccount:a:b", "other"), playbook.IDPConfig},
		{"another subject", token(provider, "system:serviceaccount:a:c", "sts.amazonaws.com"), playbook.AccessDeniedOther},
		{"everything fits", token(provider, "system:serviceaccount:a:b", "sts.amazonaws.com"), playbook.AccessDeniedOther},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := federated(t)
			for i := range 3 {
				s.refused(ago(5*time.Hour-time.Duration(i)*time.Hour), facts.AssumeDenied, c.who, "An unknown error occurred")
			}
			s.want(c.want)
		})
	}
}

func TestPortalSessionOver(t *testing.T) {
	s := newScene(t)
	s.line(ago(time.Hour), "notebook", facts.SSOExpired, "Token has expired and refresh failed")
	s.want(playbook.SSOSessionExpired)
}

func TestIdentityProviderUnseen(t *testing.T) {
	federated(t).blind(playbook.Federation).wantVerdict(playbook.IdentityProvider, playbook.Undetermined)
	federated(t).blind(playbook.AppErrors).wantVerdict(playbook.IdentityProvider, playbook.Undetermined)
	federated(t).wantVerdict(playbook.IdentityProvider, playbook.Refuted)
	newScene(t).blind(playbook.AppErrors).wantVerdict(playbook.IdentityProvider, playbook.Refuted) // no provider is let in at all
}
