package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/stsleuth/stsleuth/internal/redact"
)

// Secret is a text that is printed by nobody: not by fmt, not as JSON or YAML,
// not by slog. Reveal gives it to who needs it.
type Secret string

func (s Secret) cut() string {
	if s == "" {
		return ""
	}
	return redact.Mark
}

func (s Secret) String() string               { return s.cut() }
func (s Secret) GoString() string             { return s.cut() }
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.cut()), nil }
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.cut()) }
func (s Secret) LogValue() slog.Value         { return slog.StringValue(s.cut()) }

// Format keeps every verb of fmt from the text.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.cut()) }

// Reveal is the secret itself.
func (s Secret) Reveal() string { return string(s) }

// secrets reads the files that stand for secrets, and refuses secrets that came
// from where they don't belong.
func (l *Loaded) secrets() []error {
	var errs []error
	read := func(name, value string, inFile bool) string {
		path, isFile := strings.CutPrefix(value, "@")
		if !isFile {
			if inFile && value != "" {
				errs = append(errs, fmt.Errorf("%s: a secret does not belong into the file; write @/path of a file that holds it, or use the environment", name))
				return ""
			}
			return value
		}
		text, err := readSecret(path)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
		return text
	}
	fromFile := func(name string) bool { return strings.HasPrefix(string(l.Origins[name]), "file ") }
	l.SlackBotToken = Secret(read("slack-bot-token", l.SlackBotToken.Reveal(), fromFile("slack-bot-token")))
	l.SlackAppToken = Secret(read("slack-app-token", l.SlackAppToken.Reveal(), fromFile("slack-app-token")))
	if strings.HasPrefix(l.RedisURL, "@") {
		l.RedisURL = read("redis-url", l.RedisURL, false)
	} else if hasPassword(l.RedisURL) && (l.Origins["redis-url"] == fromFlag || fromFile("redis-url")) {
		errs = append(errs, errors.New("redis-url: a URL with a password belongs into $REDIS_URL, or into a file that is named as @/path"))
	}
	for _, id := range slices.Sorted(maps.Keys(l.Accounts)) {
		a := l.Accounts[id]
		if a.ExternalID != "" {
			a.ExternalID = read("accounts: "+id+": external_id", a.ExternalID, true)
			l.Accounts[id] = a
		}
	}
	return errs
}

// hasPassword reports whether a Redis URL has one, in its user part or for the
// sentinels. The URL may have several hosts, which net/url does not read.
func hasPassword(raw string) bool {
	_, rest, _ := strings.Cut(raw, "://")
	user, _, at := strings.Cut(rest, "@")
	return at && strings.Contains(user, ":") || strings.Contains(raw, "sentinel_password=")
}

// cutURL is a Redis URL without its passwords.
func cutURL(raw string) string {
	if !hasPassword(raw) {
		return raw
	}
	scheme, rest, _ := strings.Cut(raw, "://")
	if user, hosts, at := cutLast(rest, "@"); at {
		name, _, _ := strings.Cut(user, ":")
		rest = name + ":" + redact.Mark + "@" + hosts
	}
	if before, query, ok := strings.Cut(rest, "?"); ok {
		values, err := url.ParseQuery(query)
		if err != nil {
			return scheme + "://" + before + "?" + redact.Mark
		}
		if values.Has("sentinel_password") {
			values.Set("sentinel_password", redact.Mark)
		}
		query, _ = url.QueryUnescape(values.Encode())
		rest = before + "?" + query
	}
	return scheme + "://" + rest
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// readSecret reads a file that holds one secret and maybe a newline.
func readSecret(path string) (string, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", fmt.Errorf("read the secret's file: %w", err)
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("read the secret's file: %s is no file", path)
	case info.Size() > maxFile:
		return "", fmt.Errorf("read the secret's file: %s is larger than %d bytes", path, maxFile)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read the secret's file: %w", err)
	}
	secret := strings.TrimRight(string(text), "\r\n")
	if secret == "" {
		return "", fmt.Errorf("read the secret's file: %s is empty", path)
	}
	return secret, nil
}
