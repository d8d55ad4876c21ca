package facts

import (
	"slices"
	"strings"
	"unicode"
)

// telling is how long a word must be to tell something by itself: shorter ones
// (api, web, etl) are part of too many names.
const telling = 4

// plain are the words that names of all kinds have.
var plain = []string{"app", "application", "aws", "dev", "ecs", "eks", "iam", "jobs", "lambda", "log", "logs", "prod", "role", "service", "stage", "staging", "svc", "test", "the", "worker"}

// SharedWords is how many telling words a role's and a log group's name have in
// common: more than none, and the group is named like the role. A short word
// counts beside a longer one, or where the role's name has no longer one and all
// of its words are shared.
func SharedWords(role, group string) int {
	mine, theirs := nameWords(role), nameWords(group)
	shared := slices.DeleteFunc(slices.Clone(mine), func(w string) bool { return !slices.Contains(theirs, w) })
	if len(shared) < len(mine) && !slices.ContainsFunc(shared, func(w string) bool { return len(w) >= telling }) {
		return 0
	}
	return len(shared)
}

// nameWords are the words of a name that are not plain, each once. Names are
// written-like-this and LikeThis, which is how CDK and CloudFormation write them.
func nameWords(name string) []string {
	var words []string
	var b strings.Builder
	end := func() {
		if w := strings.ToLower(b.String()); len(w) >= 3 && !slices.Contains(plain, w) {
			words = append(words, w)
		}
		b.Reset()
	}
	last := ' '
	for _, c := range name {
		if !unicode.IsLetter(c) && !unicode.IsDigit(c) || unicode.IsUpper(c) && unicode.IsLower(last) {
			end()
		}
		if unicode.IsLetter(c) || unicode.IsDigit(c) {
			b.WriteRune(c)
		}
		last = c
	}
	end()
	slices.Sort(words)
	return slices.Compact(words)
}
