package app

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// sent are the blocks and forms of all tests, as Slack got them.
var sent struct {
	mu    sync.Mutex
	types map[string]string // JSON to the TypeScript type that it must satisfy; guarded by mu
}

// dump collects what the bot sent, and fails the test where Slack did not take it.
func (w *world) dump() {
	sent.mu.Lock()
	defer sent.mu.Unlock()
	if sent.types == nil {
		sent.types = map[string]string{}
	}
	for method, typ := range map[string]string{"chat.postMessage": "KnownBlock[]", "chat.update": "KnownBlock[]", "response_url": "KnownBlock[]", "views.open": "ModalView"} {
		for _, c := range w.calls(method) {
			what := c.Args["blocks"]
			if typ == "ModalView" {
				what = c.Args["view"]
			}
			if text, ok := what.(string); ok {
				what = json.RawMessage(text)
			}
			if raw, err := json.Marshal(what); err != nil {
				w.t.Errorf("%s: %v in %v", method, err, what)
			} else if string(raw) != "null" {
				sent.types[string(raw)] = typ
			}
			if !c.Fault && strings.Contains(string(c.Answer), "invalid_blocks") {
				w.t.Errorf("%s was answered with %s", method, c.Answer)
			}
		}
	}
}

// TestMain checks in the end that the official types for TypeScript hold
// everything that was sent in any test.
func TestMain(m *testing.M) {
	flag.Set("test.parallel", "4") // these tests wait for Slack's paces more than they work
	code := m.Run()
	if code == 0 && len(sent.types) > 0 {
		if err := typeCheck(); err != nil {
			fmt.Println("what the bot sent does not type-check:", err)
			code = 1
		}
	}
	os.Exit(code)
}

func typeCheck() error {
	types := filepath.Join("..", "..", "bot", "render", "testdata", "types") // package.json of @slack/types and typescript
	for _, tool := range []string{"npm", "node"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CI") == "true" {
				return fmt.Errorf("%s is not installed", tool)
			}
			fmt.Println(tool, "is not installed: what was sent is not type-checked")
			return nil
		}
	}
	dir, err := os.MkdirTemp("", "stsleuth-types-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.CopyFS(dir, os.DirFS(types)); err != nil {
		return err
	}
	npm := exec.Command("npm", "ci", "--silent", "--no-audit", "--no-fund", "--prefer-offline")
	npm.Dir = dir
	if out, err := npm.CombinedOutput(); err != nil {
		if os.Getenv("CI") == "true" {
			return fmt.Errorf("npm ci: %v\n%s", err, out)
		}
		fmt.Println("npm can't install the types: what was sent is not type-checked")
		return nil
	}
	var b strings.Builder
	b.WriteString("import type { KnownBlock, ModalView } from '@slack/types';\n")
	n := 0
	for raw, typ := range sent.types {
		n++
		fmt.Fprintf(&b, "export const s%d = %s satisfies %s;\n", n, raw, typ)
	}
	if err := os.WriteFile(filepath.Join(dir, "sent.ts"), []byte(b.String()), 0o644); err != nil {
		return err
	}
	tsc := exec.Command("node_modules/.bin/tsc", "--noEmit", "--strict", "--module", "nodenext", "--skipLibCheck", "sent.ts")
	tsc.Dir = dir
	if out, err := tsc.CombinedOutput(); err != nil {
		return fmt.Errorf("%v\n%.4000s", err, out)
	}
	fmt.Printf("%d different messages and forms type-check\n", n)
	return nil
}
