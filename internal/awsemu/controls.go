package awsemu

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/stsleuth/stsleuth/internal/capture"
)

// controls are how people and other programs drive the emulator from outside. JSON in, JSON out.
//
//	GET    /_emu/calls     {"calls": [Call…]}
//	GET    /_emu/stats     Stats
//	POST   /_emu/fault     a rule as in faults.yaml
//	DELETE /_emu/fault     clears the rules added here
//	POST   /_emu/capture   {"dir": "…"} answers from another capture
func (s *Server) controls(mux *http.ServeMux) {
	mux.HandleFunc("GET /_emu/calls", func(w http.ResponseWriter, _ *http.Request) {
		writeControl(w, map[string]any{"calls": append([]Call{}, s.Calls()...)}, nil)
	})
	mux.HandleFunc("GET /_emu/stats", func(w http.ResponseWriter, _ *http.Request) { writeControl(w, s.Stats(), nil) })
	mux.HandleFunc("POST /_emu/fault", func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody))
		if err != nil {
			writeControl(w, nil, err)
			return
		}
		f, err := ParseFault(body)
		if err == nil {
			s.AddFault(f)
		}
		writeControl(w, map[string]bool{"ok": true}, err)
	})
	mux.HandleFunc("DELETE /_emu/fault", func(w http.ResponseWriter, _ *http.Request) {
		s.ClearFaults()
		writeControl(w, map[string]bool{"ok": true}, nil)
	})
	mux.HandleFunc("POST /_emu/capture", func(w http.ResponseWriter, req *http.Request) {
		var body struct{ Dir string }
		if err := json.NewDecoder(http.MaxBytesReader(w, req.Body, maxBody)).Decode(&body); err != nil {
			writeControl(w, nil, err)
			return
		}
		title, err := s.load(req, body.Dir)
		writeControl(w, map[string]any{"ok": true, "title": title}, err)
	})
	mux.HandleFunc("/_emu/", func(w http.ResponseWriter, req *http.Request) {
		http.Error(w, `{"error":"no such control"}`, http.StatusNotFound)
	})
}

// load answers from the capture in dir from now on. Queries that are under way finish on the one before, which is kept
// until the server closes.
func (s *Server) load(req *http.Request, dir string) (title string, err error) {
	if dir == "" {
		return "", errors.New("dir is missing")
	}
	c, err := capture.Load(req.Context(), dir, capture.Options{})
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return "", errors.Join(errors.New("the emulator is closing"), c.Close())
	}
	s.loaded = append(s.loaded, c)
	s.mu.Unlock()
	s.show(c)
	return c.Incident.Title, nil
}

func writeControl(w http.ResponseWriter, v any, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		v = map[string]any{"ok": false, "error": err.Error()}
	}
	_ = json.NewEncoder(w).Encode(v) // the reader may have gone
}
