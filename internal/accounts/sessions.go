package accounts

import "github.com/aws/aws-sdk-go-v2/aws"

// Sessions are those of the roles that were assumed, or tried to be, since the
// start, by account. Retrieve gives a session that is good for a while from
// memory, and renews one that is not.
func (p *Pool) Sessions() map[string]aws.CredentialsProvider {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make(map[string]aws.CredentialsProvider, len(p.made))
	for id, cfg := range p.made {
		out[id] = cfg.Credentials
	}
	return out
}
