package redact

import (
	"encoding/base64"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// atoms are what the search reacts to: whatever begins, ends or names something.
var atoms = []string{"\n", "=\n", "=3D", "a", "A0", "%2F", `\u0041`, "password=", "token=", "cookie:", `"`, `\"`, "eyJ", "AKIA", "-----BEGIN", " PRIVATE KEY-----", "<saml:Assertion ",
	"Response>", "<Response SAML ", " ", "Bearer ", "bearer+", "xoxb-", "://", "@", ":", "&#", "\x1b[", Mark, "name: ", "value", "abcdefgh", "0123456789abcdef", "Zz9Yy8Xx7Ww6Vv5Uu4Tt3Ss2",
	"hooks.slack.com/services/", "AWS4-x Credential= ", "{", "(", "'", ",", "Authorization: ", "=", "+", "/", "-", "secret", "H4sI", "--password ", "-u "}

// hostile are texts that repeat what makes the search look ahead or back.
func hostile(size int) map[string]string {
	bytes := make([]byte, size*3/4)
	rand.NewChaCha8([32]byte{}).Read(bytes)
	lines := func(s string, n int) string {
		var b strings.Builder
		for i := 0; i < len(s); i += n {
			b.WriteString(s[i:min(i+n, len(s))] + "\n")
		}
		return b.String()
	}
	words := strings.Repeat("no secret is in this line of text; ", size/35)
	all := map[string]string{
		"base64 of bytes, lines of 100":        lines(base64.StdEncoding.EncodeToString(bytes), 100),
		"base64 of bytes, lines of 76":         lines(base64.StdEncoding.EncodeToString(bytes), 76),
		"base64 of words, lines of 76":         lines(base64.StdEncoding.EncodeToString([]byte(words)), 76),
		"base64 of base64 of words, lines":     lines(base64.StdEncoding.EncodeToString([]byte(lines(base64.StdEncoding.EncodeToString([]byte(words[:size/2])), 76))), 76),
		"lines of equals signs":                "\n" + strings.Repeat("a=", size/2),
		"letters without an end":               strings.Repeat("Ab1", size/3),
		"capitals without an end":              strings.Repeat("AKIA", size/4),
		"keys that begin, quoted":              strings.Repeat(`-----BEGIN PRIVATE KEY-"`, size/24),
		"assertions that begin, quoted":        strings.Repeat(`<Response SAML \" x" `, size/21),
		"one assertion and elements that open": "<Response SAML " + strings.Repeat("Response>", size/9),
	}
	for _, a := range atoms {
		all["repeated: "+a] = strings.Repeat(a, size/len(a))
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 150 {
		var p string
		for range 2 + r.IntN(4) {
			p += atoms[r.IntN(len(atoms))]
		}
		all["repeated: "+p] = strings.Repeat(p, size/len(p))
	}
	return all
}

// A stranger's text takes time by its length, not by its square: four times the
// text at most ten times as long.
func TestHostileTextTakesTimeByItsLength(t *testing.T) {
	const size = 32 << 10
	long := hostile(4 * size)
	for name, text := range hostile(size) {
		took := func(s string) time.Duration {
			begin := time.Now()
			String(s)
			return time.Since(begin)
		}
		short, whole := took(text), took(long[name])
		if whole > time.Second && whole > 10*short {
			if whole = took(long[name]); whole > 10*took(text) { // not a moment's other work
				t.Errorf("%.80q: %s for %d KB, %s for %d KB", name, short.Round(time.Millisecond), len(text)>>10, whole.Round(time.Millisecond), len(long[name])>>10)
			}
		}
	}
}
