package stsleuth_test

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/stsleuth/stsleuth/"

// mayImport is the layout's import table: which of our own packages each may
// import. A package that is not listed fails the test: say where it stands.
// Names that end in /... cover everything below.
var mayImport = map[string][]string{
	"cmd/stsleuth":                  {"internal/app", "internal/report", "internal/awsemu", "internal/slackemu", "internal/capture", "playbook", "playbook/rules", "playbook/facts", "playbook/engine", "internal/audit", "internal/config", "internal/doctor", "internal/manifest", "internal/policy", "internal/redact", "internal/telemetry", "playbook/followups", "captures"},
	"internal/app":                  {"bot", "bot/render", "handlers", "store", "playbook", "playbook/...", "internal/cloudtrail", "internal/redact", "internal/report", "internal/access", "internal/accounts", "internal/audit", "internal/config", "internal/doctor", "internal/manifest", "internal/telemetry"},
	"deploy":                        {},
	"internal/access":               {"playbook"},
	"internal/accounts":             {},
	"internal/audit":                {"internal/redact"},
	"internal/config":               {"playbook", "internal/access", "internal/accounts", "internal/redact"},
	"internal/doctor":               {"playbook", "internal/accounts", "internal/manifest", "internal/policy", "internal/redact"},
	"internal/manifest":             {},
	"internal/policy":               {},
	"internal/wording":              {"playbook"},
	"internal/telemetry":            {"playbook", "internal/redact"},
	"internal/report":               {"playbook", "internal/wording", "playbook/facts", "playbook/engine", "playbook/rules"},
	"bot":                           {"handlers", "playbook", "bot/render", "internal/access", "internal/manifest", "internal/redact"},
	"bot/render":                    {"internal/wording", "playbook", "playbook/facts", "internal/redact"},
	"handlers":                      {"playbook", "internal/access", "internal/redact"},
	"store":                         {"playbook", "playbook/engine"},
	"chaos":                         {},
	"playbook":                      {"internal/redact"},
	"playbook/facts":                {"playbook", "internal/wording"},
	"playbook/steps":                {"playbook", "playbook/facts", "internal/cloudtrail", "internal/trust", "internal/redact", "internal/wording"},
	"playbook/rules":                {"playbook", "playbook/facts", "internal/trust", "internal/wording"},
	"playbook/engine":               {"playbook", "internal/redact"},
	"playbook/followups":            {"internal/wording", "playbook", "playbook/facts", "playbook/steps", "playbook/rules", "playbook/engine", "internal/cloudtrail", "internal/trust", "internal/redact"},
	"internal/cloudtrail":           {"internal/needle"},
	"internal/trust":                {},
	"internal/redact":               {},
	"internal/redact/planted":       {},
	"internal/capture":              {"internal/cloudtrail", "internal/needle"},
	"internal/awsemu":               {"internal/capture", "internal/cloudtrail", "internal/awsemu/...", "internal/needle"},
	"internal/awsemu/insights":      {"internal/needle"},
	"internal/awsemu/filterpattern": {},
	"internal/slackemu":             {"internal/slackemu/..."},
	"internal/slackemu/page":        {},
	"internal/needle":               {},
	"internal/bench":                {},
	"internal/browsertest":          {},
	"internal/release":              {},
	"internal/cloudtrail/gen":       {"internal/cloudtrail/gentrail"},
	"internal/cloudtrail/gentrail":  {},
	"captures":                      {},
	"captures/gen":                  {},
}

type listed struct {
	ImportPath string
	Imports    []string
}

var list = sync.OnceValues(func() (all []listed, err error) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		return nil, err
	}
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var p listed
		if err := dec.Decode(&p); err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
})

func ours(t *testing.T) []listed {
	t.Helper()
	all, err := list()
	if err != nil {
		t.Fatalf("list packages: %v", err)
	}
	return all
}

func allowed(table []string, path string) bool {
	return slices.ContainsFunc(table, func(entry string) bool {
		prefix, below := strings.CutSuffix(entry, "/...")
		return entry == path || below && strings.HasPrefix(path, prefix+"/")
	})
}

func TestImportsFollowTheTable(t *testing.T) {
	for _, p := range ours(t) {
		name, ok := strings.CutPrefix(p.ImportPath, module)
		if !ok {
			continue // the root, which only holds this test
		}
		table, known := mayImport[name]
		if !known {
			t.Errorf("%s is not in the import table", name)
			continue
		}
		for _, imp := range p.Imports {
			if of, ours := strings.CutPrefix(imp, module); ours && !allowed(table, of) {
				t.Errorf("%s may not import %s", name, of)
			}
		}
	}
}

// Each edge of the outer world has one package that touches it.
func TestEdgesHaveOneImporter(t *testing.T) {
	for edge, by := range map[string][]string{
		"github.com/slack-go/slack":    {"bot", "bot/render"},
		"github.com/redis/go-redis":    {"store"},
		"github.com/hibiken/asynq":     {"store"},
		"github.com/alecthomas/kong":   {"cmd/stsleuth"},
		"github.com/gorilla/websocket": {"internal/slackemu"},
		"github.com/prometheus":        {"internal/telemetry"},
		"go.opentelemetry.io/otel/sdk": {"internal/telemetry"},
	} {
		for _, p := range ours(t) {
			name := strings.TrimPrefix(p.ImportPath, module)
			for _, imp := range p.Imports {
				if strings.HasPrefix(imp, edge) && !slices.Contains(by, name) {
					t.Errorf("%s imports %s; only %v may", name, imp, by)
				}
			}
		}
	}
}
