package render

import (
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/stsleuth/stsleuth/internal/redact"
)

// hidden stands where a character was that nobody can see: two names that differ
// by one must not look alike.
const hidden = '\uFFFD'

// clean makes foreign text fit to be shown where nothing is parsed: no secrets,
// no control characters, nothing that changes the direction of text or cannot be seen.
func clean(s string) string {
	s = redact.String(strings.ToValidUTF8(s, string(hidden)))
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == ' ':
			return r
		case r == '\t' || r == '\u2028' || r == '\u2029' || r == '\u0085' || unicode.Is(unicode.Zs, r):
			return ' '
		case r == '\r':
			return -1
		case unicode.Is(unicode.Cc, r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Co, r),
			unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r), unicode.Is(unicode.Variation_Selector, r):
			return hidden
		}
		return r
	}, s)
}

// line is clean text on one line, of at most n runes.
func line(s string, n int) string {
	s = redact.Head(s, 8*n+512) // a huge text costs nothing
	return cut(strings.Join(strings.Fields(clean(s)), " "), n)
}

// slug is the part of a file's name that comes from an id.
func slug(id string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(id))
}

// escaper is Slack's own list: these three and nothing else.
// https://docs.slack.dev/messaging/formatting-message-text#escaping
var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "`", "'")

// sentence makes the Text of a message out of parts, escaped. The parts are cut
// before they are escaped, so that no entity is cut in half.
func sentence(parts ...string) string {
	s := line(strings.Join(parts, " "), maxText)
	if s != "" && !strings.ContainsAny(s[len(s)-1:], ".!?") && !strings.HasSuffix(s, "…") {
		s += "."
	}
	for n := maxText; ; n -= 200 {
		if out := escaper.Replace(cut(s, n)); utf8.RuneCountInString(out) <= maxText {
			return out
		}
		if n <= 1000 {
			return escaper.Replace(cut(s, maxText/5)) // every rune may become five
		}
	}
}

var (
	userID    = regexp.MustCompile(`^[UW][A-Z0-9]{1,30}$`)
	channelID = regexp.MustCompile(`^[CG][A-Z0-9]{1,30}$`)
	messageAt = regexp.MustCompile(`^/archives/[A-Z0-9]{1,30}/p[0-9]{1,30}$`)
	consoleAt = regexp.MustCompile(`^([a-z0-9-]+\.)?(console\.aws\.amazon\.com|console\.amazonaws\.cn|console\.amazonaws-us-gov\.com)$`)
	docsAt    = regexp.MustCompile(`^docs\.(aws\.amazon\.com|amazonaws\.cn)$`)
	slackAt   = regexp.MustCompile(`^[a-z0-9-]+(\.enterprise)?\.(slack\.com|slack-gov\.com)$`)
)

// mention is mrkdwn that names a person: of the stored id and of nothing else.
func mention(user string) string {
	if !userID.MatchString(user) {
		return "somebody"
	}
	return "<@" + user + ">"
}

// safeURL lets through links to the AWS console, AWS's documentation and messages
// of a Slack workspace. Everything else becomes "": no link.
func safeURL(raw string) string {
	if raw == "" || len(raw) > maxURL || strings.ContainsFunc(raw, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune("<>|`\"\\", r)
	}) {
		return ""
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" || u.User != nil {
		return ""
	}
	switch host := u.Host; {
	case consoleAt.MatchString(host), docsAt.MatchString(host):
		return raw
	case slackAt.MatchString(host) && messageAt.MatchString(u.Path):
		return raw
	}
	return ""
}
