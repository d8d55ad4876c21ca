package render_test

import (
	"encoding/json"

	"github.com/slack-go/slack"

	"github.com/stsleuth/stsleuth/bot/render"
)

// onWire is a message as golden files hold it: what Slack gets, and files by size
// where they are pictures.
type onWire struct {
	Text   string        `json:"text"`
	Blocks []slack.Block `json:"blocks"`
	Files  []fileOnWire  `json:"files,omitempty"`
}

type fileOnWire struct {
	Name    string `json:"name"`
	Title   string `json:"title"`
	Alt     string `json:"alt,omitempty"`
	Snippet string `json:"snippet,omitempty"`
	Text    string `json:"text,omitempty"`
}

func wire(m render.Message) []byte {
	w := onWire{Text: m.Text, Blocks: m.Blocks}
	for _, f := range m.Files {
		file := fileOnWire{Name: f.Name, Title: f.Title, Alt: f.Alt, Snippet: f.Snippet}
		if f.Snippet != "" {
			file.Text = string(f.Bytes)
		}
		w.Files = append(w.Files, file)
	}
	b, err := json.Marshal(w)
	if err != nil {
		panic(err)
	}
	return b
}
