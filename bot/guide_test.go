package bot

import (
	"html"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stsleuth/stsleuth/bot/render"
	"github.com/stsleuth/stsleuth/handlers"
	"github.com/stsleuth/stsleuth/internal/access"
	"github.com/stsleuth/stsleuth/internal/accounts"
	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
)

// The guide says what the bot says when it can't, word for word, and nothing that
// it does not say.
func TestTheGuideHasTheWordsOfRefusals(t *testing.T) {
	raw, err := os.ReadFile("../docs/GUIDE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(raw), "## When it can't")
	section, _, _ = strings.Cut(section, "\n## ")
	section = strings.Join(strings.Fields(section), " ")

	b := &Bot{user: "U0STSLEUTH"}
	says := []string{wording.Conclusion(playbook.Diagnosis{}), handlers.NotRead, handlers.NotWritten, render.Busy().Text, render.Sorry("inv_x").Text,
		access.Policy{}.Decide(t.Context(), access.Question{Kind: access.Guest, Room: access.Own}, nil).Reason,
		(&accounts.UnknownError{Account: "111122223333"}).Error()}
	for why := handlers.NotMember; why <= handlers.ParentGone; why++ {
		says = append(says, html.UnescapeString(b.refusal(why).Text))
	}
	quoted := regexp.MustCompile(`\*([^*]+)\*`).FindAllStringSubmatch(section, -1)
	used := map[string]bool{}
	for _, text := range says {
		found := false
		for _, q := range quoted {
			start := strings.TrimSuffix(q[1], "…") // what differs each time
			if strings.HasPrefix(text, start) && (start != q[1] || strings.HasPrefix(text[len(start):]+" ", " ")) {
				found, used[q[1]] = true, true
			}
		}
		if !found {
			t.Errorf("the guide does not have the beginning of %q", text)
		}
	}
	for _, q := range quoted {
		if !used[q[1]] {
			t.Errorf("the guide says %q, the bot does not", q[1])
		}
	}
}
