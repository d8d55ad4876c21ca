package capture

import (
	"bytes"
	"regexp"
	"strings"

	"github.com/stsleuth/stsleuth/internal/needle"
)

// investigated are the event sources that issue credentials, or change what decides about issuing them. A record of
// another source can only matter when it names the role.
var investigated = [][]byte{
	[]byte("sts."), []byte("iam."), []byte("eks-auth."), []byte("sso."), []byte("organizations."),
	[]byte("signin."), []byte("rolesanywhere."),
}

// KeepFor returns the test for records that an investigation of a role may ask for: those of the services that issue
// credentials and those that name the role. It looks at raw bytes, because decoding a million records takes a minute and
// finding two words in them a second; it may keep a record too many, but never drops one that matters.
func KeepFor(role string) func(raw []byte) bool {
	name := needle.New(plainPart(role[strings.LastIndexByte(role, '/')+1:]))
	return func(raw []byte) bool {
		return fromInvestigated(raw) || name.InBytes(raw)
	}
}

var sourceKey = needle.New(`Source"`)

// fromInvestigated looks at every "eventSource" key; a record without one is kept.
func fromInvestigated(raw []byte) bool {
	found := false
	for at := sourceKey.AfterBytes(raw, 0); at >= 0; at = sourceKey.AfterBytes(raw, at) {
		v, ok := next(raw[at:], ':')
		if !ok {
			continue
		}
		if v, ok = next(v, '"'); !ok {
			continue
		}
		found = true
		for _, s := range investigated {
			if bytes.HasPrefix(v, s) {
				return true
			}
		}
	}
	return !found
}

// next gives what follows the sign, if that is what b begins with after blanks.
func next(b []byte, sign byte) ([]byte, bool) {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t' || b[0] == '\r' || b[0] == '\n') {
		b = b[1:]
	}
	if len(b) == 0 || b[0] != sign {
		return nil, false
	}
	return b[1:], true
}

// plain are the letters that no JSON encoder escapes; + and = come as \u002b and \u003d from some.
var plain = regexp.MustCompile(`[A-Za-z0-9_.,@-]+`)

// plainPart is the longest part of a role's name that looks the same in every encoding.
func plainPart(name string) string {
	longest := ""
	for _, part := range plain.FindAllString(name, -1) {
		if len(part) > len(longest) {
			longest = part
		}
	}
	return longest
}
