package awsemu

import (
	"net/http"
	"unicode/utf16"
)

// publicEvents serves the public current-events feed as health.aws.amazon.com does: a JSON array in big-endian UTF-16
// with a byte order mark. Without public-status.json in the capture the connection is closed, as when the feed can't be
// reached.
func (s *Server) publicEvents(w http.ResponseWriter, req *http.Request) {
	feed := s.incident.Load().PublicStatus
	if feed == nil {
		panic(http.ErrAbortHandler)
	}
	body := []byte{0xFE, 0xFF}
	for _, u := range utf16.Encode([]rune(string(feed))) {
		body = append(body, byte(u>>8), byte(u))
	}
	w.Header().Set("Content-Type", "application/json;charset=utf-16")
	w.Write(body)
}
