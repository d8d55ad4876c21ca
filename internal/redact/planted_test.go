package redact

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stsleuth/stsleuth/internal/redact/planted"
)

// Every kind of secret, in every statement, in every encoding.
func TestPlantedSecretsAreCut(t *testing.T) {
	t.Parallel()
	tried, leaked := 0, map[string]int{}
	for _, s := range planted.Secrets("corpus0") {
		var f planted.Field
		f.Plant("", s)
		for _, w := range planted.Wrappings(s) {
			tried++
			in := w.Of(s)
			got := String(in)
			if leaks := f.Leaks([]byte(got)); len(leaks) > 0 {
				leaked[s.Kind+" in "+w.Name]++
				if leaked[s.Kind+" in "+w.Name] == 1 {
					t.Errorf("%s in %s:\n in %.600q\nout %.600q\nhas %s", s.Kind, w.Name, in, got, leaks[0].Piece)
				}
			}
			if again := String(got); again != got {
				t.Errorf("%s in %s, twice: %q became %q", s.Kind, w.Name, got, again)
			}
		}
	}
	t.Logf("%d texts, %d leaks", tried, len(leaked))
}

// leads are what a logger puts before a text that was folded already.
var leads = []string{"", "worker-7 ", "2026-10-14T15:03:11Z ERROR An error occurred (ExpiredToken): "}

// Lines may break anywhere inside of a secret, its name or what encodes it, and
// the first may be longer than the others; all of it may stand in JSON then.
func TestPlantedSecretsAreCutWhereverALineBreaks(t *testing.T) {
	t.Parallel()
	inJSON := func(s string) string {
		raw, err := json.Marshal(map[string]string{"message": s})
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	tried := 0
	for _, s := range planted.Secrets("folds") {
		var f planted.Field
		f.Plant("", s)
		for _, st := range planted.Of(s) {
			text := st.Of(s.Name, s.Value)
			for width := 60; width <= 100; width++ {
				tried++
				lead, by := leads[tried%len(leads)], []string{"\n", "\r\n", "\n  ", "=\n"}[tried%4]
				in := lead + planted.Fold(text, width, by) + " or so"
				if by == "=\n" {
					in = lead + planted.Fold(strings.ReplaceAll(text, "=", "=3D"), width, by) + " or so"
				}
				for range tried % 3 {
					in = inJSON(in)
				}
				if leaks := f.Leaks([]byte(String(in))); len(leaks) > 0 {
					t.Errorf("%s in %s, lines of %d by %q:\n in %.600q\nout %.600q\nhas %s", s.Kind, st.Name, width, by, in, String(in), leaks[0].Piece)
				}
			}
		}
	}
	t.Logf("%d texts", tried)
}

// What follows a secret on a line of its own, or ends the long line before, stays
// where it is no part of one.
func TestLinesThatEndAreNotPutTogether(t *testing.T) {
	t.Parallel()
	const long = "2026-10-14T15:03:11Z ERROR upload of batch 8812 to a partner has failed, "
	key := planted.Secrets("lines")[1].Value
	for _, next := range []string{"2026-10-14T15:03:12Z INFO done", "373c4926-a5ad-4204-8653-ca98af197f62 is the request", "arn:aws:iam::111122223333:role/partner-drop asked",
		"10.2.3.4 asked", "asked by the worker", "REGION_2=eu-west-1", "region_2: eu-west-1", "{\"a\":1}"} {
		in := long + "password=" + key + "x9\n" + next
		if want, got := long+"password="+Mark+"\n"+next, String(in); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
	for _, last := range []string{"373c4926-a5ad-4204-8653-ca98af197f62", "arn:aws:iam::111122223333:role/partner-drop", "10.2.3.4", "2026-10-14"} {
		in := long + last + "\n" + planted.Secrets("lines")[8].Value
		if want, got := long+last+"\n"+Mark, String(in); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
}

// The corpus must be able to fail: whatever is not redacted is found in it.
func TestPlantedSecretsAreFoundWhereNothingIsCut(t *testing.T) {
	t.Parallel()
	for _, s := range planted.Secrets("corpus0") {
		var f planted.Field
		f.Plant("", s)
		for _, w := range planted.Wrappings(s) {
			if len(f.Leaks([]byte(w.Of(s)))) == 0 {
				t.Errorf("%s in %s is not found in %.300q", s.Kind, w.Name, w.Of(s))
			}
		}
	}
}

// Whatever is around a secret stays.
func TestWhatIsAroundASecretStays(t *testing.T) {
	t.Parallel()
	const before, after = "ERROR request 373c4926-a5ad-4204-8653-ca98af197f62 of arn:aws:iam::111122223333:role/partner-drop\n", "\n\ntrace 4bf92f3577b34da6a3ce929d0e0e4736 sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	for _, s := range planted.Secrets("corpus0") {
		for _, w := range planted.Wrappings(s) {
			if strings.HasPrefix(s.Value, "<") || strings.HasPrefix(s.Value, "-----") || strings.HasSuffix(s.Value, "=") {
				continue // one whose end is not to be found takes more with it
			}
			if got := String(before + w.Of(s) + after); !strings.HasPrefix(got, before) || !strings.HasSuffix(got, after) {
				t.Errorf("%s in %s: %.700q became %.700q", s.Kind, w.Name, w.Of(s), got)
			}
		}
	}
}

// JSON stays JSON, wherever in it a secret stands, and loses it.
func TestJSONWithPlantedSecretsStaysJSON(t *testing.T) {
	t.Parallel()
	for _, s := range planted.Secrets("corpus0") {
		var f planted.Field
		f.Plant("", s)
		for i, w := range planted.Wrappings(s) {
			if i%5 != 0 {
				continue
			}
			o := map[string]any{"text": w.Of(s), "n": i, "list": []any{w.Of(s), map[string]string{s.Name: s.Value}}}
			if s.Bare {
				o["key "+s.Value] = true
			}
			in, err := json.Marshal(o)
			if err != nil {
				t.Fatal(err)
			}
			got := JSON(in)
			if !json.Valid(got) {
				t.Errorf("%s in %s: %.500s became %.500s", s.Kind, w.Name, in, got)
			}
			if leaks := f.Leaks(got); len(leaks) > 0 {
				t.Errorf("%s in %s: %.500s has %s", s.Kind, w.Name, got, leaks[0].Piece)
			}
			if again := JSON(got); string(again) != string(got) {
				t.Errorf("%s in %s, twice: %.500s became %.500s", s.Kind, w.Name, got, again)
			}
		}
	}
}

// FuzzWrapped puts a secret into up to two encodings on top of each other.
func FuzzWrapped(f *testing.F) {
	for i := range byte(40) {
		f.Add(uint16(i), i, i, i+3, byte(0))
	}
	f.Fuzz(func(t *testing.T, label uint16, kind, statement, first, second byte) {
		all := planted.Secrets(fmt.Sprint("fuzz", label))
		s := all[int(kind)%len(all)]
		ways := planted.Of(s)
		st := ways[int(statement)%len(ways)]
		text, how := st.Of(s.Name, s.Value), st.Name
		var used []int
		for _, e := range []byte{first, second} {
			// Lines that were broken before or after another encoding can't be told from others.
			if i := int(e) % (len(planted.Encodings) + 1); i < len(planted.Encodings) && !slices.Contains(used, i) && (len(used) == 0 || !planted.Encodings[i].Breaks && !planted.Encodings[used[0]].Breaks) {
				used = append(used, i)
				text, how = planted.Encodings[i].Of(text), how+", "+planted.Encodings[i].Name
			}
		}
		var field planted.Field
		field.Plant("", s)
		got := String(text)
		if leaks := field.Leaks([]byte(got)); len(leaks) > 0 {
			t.Errorf("%s in %s:\n in %.900q\nout %.900q\nhas %s", s.Kind, how, text, got, leaks[0].Piece)
		}
		if again := String(got); again != got {
			t.Errorf("%s in %s, twice: %q became %q", s.Kind, how, got, again)
		}
	})
}
