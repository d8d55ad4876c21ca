package capture

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
)

// readYAML decodes a file, where it exists.
func readYAML(path string, into any) error {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return decodeYAML(path, data, into)
}

// decodeYAML is strict: a key that the format does not know is an error that names file, line and key.
func decodeYAML(path string, data []byte, into any) error {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil
	}
	err := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict(), yaml.CustomUnmarshaler(moment)).Decode(into)
	if err == nil {
		return nil
	}
	var at yaml.Error
	if errors.As(err, &at) && at.GetToken() != nil {
		return fmt.Errorf("%s:%d: %s", path, at.GetToken().Position.Line, at.GetMessage())
	}
	return fmt.Errorf("%s: %s", path, strings.TrimSpace(yaml.FormatError(err, false, false)))
}

// moment reads a time strictly; the decoder's own way makes a zero time of what it cannot read.
func moment(t *time.Time, b []byte) error {
	s := strings.Trim(strings.TrimSpace(string(b)), `"'`)
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return fmt.Errorf("time %q: want RFC 3339, as 2026-10-14T15:20:00Z", s)
	}
	*t = at.UTC()
	return nil
}

// readJSON decodes a file, where it exists.
func readJSON(path string, into any) error {
	_, err := readJSONFound(path, into)
	return err
}

func readJSONFound(path string, into any) (found bool, err error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	err = json.Unmarshal(data, into)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		err = fmt.Errorf("%s:%d: %w", path, lineOf(data, syntax.Offset), err)
	case errors.As(err, &kind):
		err = fmt.Errorf("%s:%d: %w", path, lineOf(data, kind.Offset), err)
	case err != nil:
		err = fmt.Errorf("%s: %w", path, err)
	}
	return true, err
}

func lineOf(data []byte, offset int64) int {
	return 1 + bytes.Count(data[:min(int(offset), len(data))], []byte("\n"))
}

var actionPattern = regexp.MustCompile(`^[A-Za-z0-9*-]+:[A-Za-z0-9*]+$|^\*$`)

func lower(s string) string { return strings.ToLower(s) }

// glob matches a pattern whose stars stand for any text.
func glob(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == s
	}
	last := len(parts) - 1
	if !strings.HasPrefix(s, parts[0]) {
		return false
	}
	s = s[len(parts[0]):]
	for _, p := range parts[1:last] {
		i := strings.Index(s, p)
		if i < 0 {
			return false
		}
		s = s[i+len(p):]
	}
	return strings.HasSuffix(s, parts[last])
}
