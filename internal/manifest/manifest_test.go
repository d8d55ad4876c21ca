package manifest_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/stsleuth/stsleuth/internal/manifest"
	"github.com/stsleuth/stsleuth/internal/slackemu"
)

func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := os.ReadFile("schema/manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("manifest.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func check(t *testing.T, s *jsonschema.Schema, m manifest.Manifest) error {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(m.JSON()))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(v)
}

func TestManifestFitsSlacksSchema(t *testing.T) {
	s := schema(t)
	if err := check(t, s, manifest.New(manifest.DefaultName, manifest.Command)); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*manifest.Manifest){
		"a name that is too long":      func(m *manifest.Manifest) { m.Display.Name = strings.Repeat("x", 36) },
		"a command without a slash":    func(m *manifest.Manifest) { m.Features.SlashCommands[0].Command = "sts" },
		"a scope that does not exist":  func(m *manifest.Manifest) { m.OAuth.Scopes.Bot[0] = "aws:read" },
		"a shortcut of no known kind":  func(m *manifest.Manifest) { m.Features.Shortcuts[0].Type = "page" },
		"a bot's name with a space":    func(m *manifest.Manifest) { m.Features.BotUser.DisplayName = "sts leuth" },
		"a colour that is none":        func(m *manifest.Manifest) { m.Display.Background = "blue" },
		"an optional scope misspelled": func(m *manifest.Manifest) { m.OAuth.Scopes.BotOptional[0] = "x" },
	} {
		m := manifest.New(manifest.DefaultName, manifest.Command)
		spoil(&m)
		if check(t, s, m) == nil {
			t.Errorf("%s was taken", name)
		}
	}
	var keys map[string]any
	if err := json.Unmarshal(manifest.New("n", "/c").JSON(), &keys); err != nil || len(keys) != 5 {
		t.Errorf("%d keys, %v", len(keys), err)
	}
}

// The local Slack offers what the manifest declares.
func TestTheEmulatedWorkspaceHasWhatTheManifestDeclares(t *testing.T) {
	app := slackemu.DefaultWorkspace().App
	if app.Commands[0].Command != manifest.Command {
		t.Errorf("command %s", app.Commands[0].Command)
	}
	if app.Shortcuts[0].CallbackID != manifest.ShortcutID || app.Shortcuts[0].Name != manifest.ShortcutName {
		t.Errorf("shortcut %+v", app.Shortcuts[0])
	}
	for _, s := range manifest.Scopes {
		if !strings.Contains(" "+strings.Join(app.Scopes, " ")+" ", " "+s.Name+" ") {
			t.Errorf("the workspace's token lacks %s", s.Name)
		}
	}
}
