package slackemu

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"strings"
	"time"
)

// file is one upload, in Slack's JSON.
type file struct {
	ID         string         `json:"id"`
	Created    int64          `json:"created"`
	Name       string         `json:"name"`
	Title      string         `json:"title"`
	Mimetype   string         `json:"mimetype"`
	Filetype   string         `json:"filetype"`
	User       string         `json:"user"`
	Mode       string         `json:"mode"`
	Size       int            `json:"size"`
	AltText    string         `json:"alt_txt,omitempty"`
	URLPrivate string         `json:"url_private"`
	Download   string         `json:"url_private_download"`
	Permalink  string         `json:"permalink"`
	Channels   []string       `json:"channels,omitempty"`
	Shares     map[string]any `json:"shares,omitempty"`
	uploaded   bool
	complete   bool
	data       []byte
}

// maxUpload is the emulator's own bound; Slack's is 1 GB.
const maxUpload = 32 << 20

func (s *Server) filesGetUploadURL(r *request) obj {
	name, size := r.args.str("filename"), r.args.int("length", 0)
	switch {
	case name == "":
		return fail("missing_argument")
	case size <= 0 || size > maxUpload:
		return fail("invalid_arguments")
	}
	ext := strings.TrimPrefix(path.Ext(name), ".")
	kind := mime.TypeByExtension("." + ext)
	if ext == "md" || kind == "" && r.args.str("snippet_type") != "" {
		kind = "text/plain"
	}
	f := &file{ID: s.nextID("F"), Created: s.now().Unix(), Name: name, Title: name, Mimetype: cmp.Or(kind, "application/octet-stream"),
		Filetype: cmp.Or(r.args.str("snippet_type"), ext, "text"), User: s.ws.App.BotUserID, Mode: "hosted", Size: size, AltText: r.args.str("alt_txt")}
	f.URLPrivate = r.base + "/_emu/files/" + f.ID
	f.Download, f.Permalink = f.URLPrivate, f.URLPrivate
	ticket := uuid()
	s.uploads[ticket] = f
	return obj{"ok": true, "upload_url": r.base + "/upload/v1/" + ticket, "file_id": f.ID}
}

// serveUpload takes the bytes, as a multipart part or as the body.
func (s *Server) serveUpload(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxUpload+1<<16))
	if err == nil && strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		body, err = firstPart(r.Header.Get("Content-Type"), body)
	}
	s.faulty(w, "upload", "", args{"bytes": encode(len(body))}, time.Now(), func() reply {
		s.mu.Lock()
		defer s.mu.Unlock()
		f := s.uploads[r.PathValue("id")]
		switch {
		case err != nil:
			return reply{status: http.StatusBadRequest, body: "unreadable upload"}
		case f == nil:
			return reply{status: http.StatusNotFound, body: "no such upload"}
		case len(body) != f.Size:
			return reply{status: http.StatusBadRequest, body: fmt.Sprintf("%d bytes announced, %d came", f.Size, len(body))}
		}
		delete(s.uploads, r.PathValue("id"))
		f.data, f.uploaded = body, true
		s.files[f.ID] = f
		return reply{body: fmt.Sprintf("OK - %d", len(body))}
	})
}

func (s *Server) filesComplete(r *request) obj {
	var list []struct{ ID, Title string }
	if decode(r.args.raw("files"), &list) != nil || len(list) == 0 {
		return fail("invalid_arguments")
	}
	var ch *channel
	if id := cmp.Or(r.args.str("channel_id"), r.args.str("channels")); id != "" {
		var bad obj
		if ch, bad = s.writable(id); bad != nil {
			return bad
		}
	}
	c, bad := s.readContent(args{"text": r.args["initial_comment"], "blocks": r.args["blocks"]})
	if bad != nil {
		return bad
	}
	files := make([]*file, len(list))
	for i, want := range list {
		f := s.files[want.ID]
		if f == nil || f.complete {
			return fail("file_not_found")
		}
		files[i] = f
	}
	for i, f := range files {
		f.complete = true
		f.Title = cmp.Or(list[i].Title, f.Title)
	}
	if ch != nil {
		m := s.byBot(c)
		m.Files, m.Upload = files, true
		s.add(ch, m, r.args.str("thread_ts"))
		kind := "public"
		if ch.IsPrivate || ch.IsIM {
			kind = "private"
		}
		for _, f := range files {
			f.Channels = []string{ch.ID}
			f.Shares = obj{kind: obj{ch.ID: []obj{{"ts": m.TS, "thread_ts": m.ThreadTS, "channel_name": ch.Name, "team_id": s.ws.Team.ID}}}}
		}
	}
	return obj{"ok": true, "files": files}
}

func (s *Server) filesInfo(r *request) obj {
	f := s.files[r.args.str("file")]
	if f == nil || !f.complete {
		return fail("file_not_found")
	}
	return obj{"ok": true, "file": f}
}

// missingFiles finds images that name a file which was never uploaded. Caller holds mu.
func (s *Server) missingFiles(blocks []map[string]any) (out []problem) {
	for i, b := range blocks {
		walk(b, "/blocks/"+itoa(i), func(o map[string]any, at string) {
			ref, ok := o["slack_file"].(map[string]any)
			if !ok {
				return
			}
			for _, f := range s.files {
				if f.complete && (f.ID == ref["id"] || f.URLPrivate == ref["url"] || f.Permalink == ref["url"]) {
					return
				}
			}
			out = append(out, problem{Pointer: at + "/slack_file", Code: "invalid_slack_file", Message: "invalid slack file"})
		})
	}
	return out
}

// firstPart is the content of the first file in a multipart body.
func firstPart(contentType string, body []byte) ([]byte, error) {
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, err
	}
	parts := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for {
		p, err := parts.NextPart()
		if err != nil {
			return nil, err
		}
		if p.FileName() != "" {
			return io.ReadAll(p)
		}
	}
}
