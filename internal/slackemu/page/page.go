// Package page holds what the browser shows of the local Slack: one workspace,
// drawn from the emulator's controls and kept up to date by its stream.
//
// In come the controls of package slackemu as JSON; out go what people type,
// click and submit, to the same controls. There is no build step, no framework
// and no request beyond the page's own server: the files in static are served
// as they are.
//
// Start reading at static/app.js (what is on screen), then static/message.js
// (one message), static/blocks.js (one function a Block Kit block) and
// static/modal.js. Text becomes HTML in one place, static/text.js, through
// slack-to-html 2.1.0 (MIT, its licence beside it in static/vendor).
package page

import (
	"embed"
	"io/fs"
)

// FS holds the page's files under "static", index.html at its root.
//
//go:embed static
var FS embed.FS

// Files gives the page with index.html at its root, ready for http.FileServerFS.
func Files() fs.FS {
	files, err := fs.Sub(FS, "static")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return files
}
