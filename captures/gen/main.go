// Command gen writes the incident captures beside it: `go run ./captures/gen`,
// from the root of the repository.
//
// Every capture is a function of this package that tells what happened, in the
// order in which it happened: who asked for sessions, what AWS answered, what
// the application logged. Out come the files of the capture format, the same
// bytes every time, and README.md with a line for each. What a capture expects
// is what an engineer would conclude who knows how AWS works; the program's own
// answer is compared with it by `stsleuth eval captures`.
//
// capture.go holds what every capture has (roles, trails, log groups) and writes
// it; record.go has the shapes of CloudTrail records and lines.go the sentences
// of AWS and its SDKs. The other files are the incidents, by subject.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	if err := generate("captures"); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

// all lists the incidents in the README's order.
func all() []incident {
	return slices.Concat(payments, refreshing, limits, policies, identities, credentials, services, wordings, callers, courses, boundaries, sights, elsewhere, followUps)
}

// generate writes every capture and the README below dir.
func generate(dir string) error {
	var readme strings.Builder
	readme.WriteString(readmeHead)
	for _, in := range all() {
		c := newCapture(in)
		in.build(c)
		path := filepath.Join(dir, in.name)
		if err := os.RemoveAll(path); err != nil {
			return err
		}
		if err := c.write(path); err != nil {
			return fmt.Errorf("write capture %s: %w", in.name, err)
		}
		fmt.Fprintf(&readme, "| `%s` | %s | %s | %s |\n", in.name, in.what, strings.Join(in.expect.causes(), ", "), in.source)
	}
	readme.WriteString(readmeTail)
	return os.WriteFile(filepath.Join(dir, "README.md"), []byte(readme.String()), 0o644)
}

const readmeHead = `# Captures

Incidents in the capture format, each with the diagnosis that is right for it. ` + "`stsleuth eval captures`" + ` runs all of them;
` + "`stsleuth investigate --capture captures/NAME`" + ` shows one.

They are written by ` + "`go run ./captures/gen`" + ` and not by hand: change the incident there and run it again. Accounts, keys, names
and addresses are made up (accounts and address ranges are those that documentation uses); the shapes of the records are CloudTrail's.
What comes from where: an issue is a public report of such an incident, a documentation page is the behaviour of AWS that the capture
stands on.

| capture | what happened | diagnosis | comes from |
|---|---|---|---|
`

const readmeTail = `
Beside the causes above some captures name others under ` + "`may`" + `: renewing that fails for a reason which has a name of its own may be
told too, and does not change the verdict.
`
