package bot

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/stsleuth/stsleuth/internal/manifest"
)

// Each scope that the manifest asks for and the token lacks is said at start, with
// what does not work without it; without the right to post there is no start.
func TestScopesThatATokenLacksAreSaid(t *testing.T) {
	for _, lacking := range append(slices.Clone(manifest.Scopes), manifest.Scope{}) {
		var log bytes.Buffer
		b := &Bot{Options: Options{Log: slog.New(slog.NewTextHandler(&log, nil))}, scopes: map[string]bool{}}
		for _, s := range manifest.Scopes {
			b.scopes[s.Name] = s != lacking
		}
		err := b.checkScopes()
		switch {
		case lacking.Name == "chat:write":
			if err == nil || !strings.Contains(err.Error(), "chat:write") {
				t.Errorf("without the right to post: %v", err)
			}
		case err != nil:
			t.Errorf("without %s: %v", lacking.Name, err)
		case lacking.Name == "" && log.Len() > 0:
			t.Errorf("with all scopes: %s", log.String())
		case !strings.Contains(log.String(), lacking.Name) || !strings.Contains(log.String(), lacking.For) ||
			lacking.Name != "" && lacking.Optional == strings.Contains(log.String(), "level=WARN"):
			t.Errorf("without %s: %q", lacking.Name, log.String())
		}
	}
}
