package steps

import (
	"context"

	"github.com/stsleuth/stsleuth/internal/cloudtrail"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

// What the follow-up checks share with the steps: a call is made, counted, proved
// and classified the same way, and CloudTrail is read the same way.

// Call is one AWS call in the words with which a reader repeats it.
type Call = call

// Answer is how one call went.
type Answer[T any] = answer[T]

// Notes gathers a check's evidence in a fixed order.
type Notes = notes

// Ask makes one call and tells how it went.
func Ask[T any](ctx context.Context, c Call, do func(context.Context) (T, error)) Answer[T] {
	return ask(ctx, c, do)
}

// Absent reports whether AWS answered that there is no such thing.
func Absent(p *playbook.Problem) bool { return absent(p) }

// Take notes how a call went; what is the part of the picture that is missing
// when it did not answer.
func (n *notes) Take(p playbook.Proof, problem *playbook.Problem, what string) {
	n.take(p, problem, what)
}

// Unsee notes what could not be seen, Correct where AWS does not work as one may think.
func (n *notes) Unsee(sentence string)   { n.unseen = union(n.unseen, []string{sentence}) }
func (n *notes) Correct(sentence string) { n.corrections = union(n.corrections, []string{sentence}) }

// Join adds what another part of the check gathered.
func (n *notes) Join(o Notes) {
	n.proof = append(n.proof, o.proof...)
	n.unseen, n.missing, n.corrections = union(n.unseen, o.unseen), union(n.missing, o.missing), union(n.corrections, o.corrections)
}

// Evidence is what was gathered, for the check to complete.
func (n *notes) Evidence(status playbook.Status, summary string, f any) playbook.Evidence {
	return n.evidence(status, summary, f)
}

// RoleConsole is a role's own page in the console.
func RoleConsole(region, name string) string { return roleConsole(region, name) }

// PolicyText is a policy document as JSON; IAM returns it URL-encoded.
func PolicyText(document string) string { return policyText(document) }

// CallerOf is who made a call, as far as this copy of its record shows.
func CallerOf(r cloudtrail.Record) facts.Caller { return callerOf(r) }

// Said is a text of AWS's or of a log as it may be stored: cut of secrets and
// shortened to n letters.
func Said(s string, n int) string { return said(s, n) }

// Policies reads the inline and attached policies of a role, and its boundary
// where boundary names one, as far as they bear on sessions. It gives the number
// of those that could not be read.
func Policies(ctx context.Context, c Clients, role, boundary, region string, n *Notes) (read []facts.PolicyNote, missing int) {
	r := run{Clients: c}
	lists := []policiesAnswer{r.inlinePolicies(ctx, role, region), r.attachedPolicies(ctx, role, region)}
	var all []policyAnswer
	if boundary != "" {
		all = append(all, r.managedPolicy(ctx, "boundary", boundary, region))
	}
	for _, l := range lists {
		n.take(l.list.Proof, l.list.Problem, "The policies of the role "+role)
		if l.list.Problem != nil {
			missing++
		}
		all = append(all, l.each...)
	}
	for _, a := range all {
		for _, p := range a.proofs {
			n.take(p, nil, "")
		}
		if a.problem != nil {
			n.refused(a.problem, "The policy "+a.note.Name+" of the role "+role)
			missing++
		}
		read = append(read, a.note)
	}
	return read, missing
}
