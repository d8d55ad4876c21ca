package bot

import (
	"encoding/json"
	"strings"
	"sync/atomic"
	"time"
)

// socketLog listens to slack-go's debug log of one socket client, which is the
// only place where it tells of pings and of disconnect messages: it consumes
// those itself. Nothing of it is written anywhere, because it holds what people
// typed. The texts are those of the pinned version; tests against a real socket
// notice when they change.
type socketLog struct {
	heard      atomic.Int64 // when the last frame or ping came, Unix nanoseconds
	disconnect func(reason string)
}

const (
	logFrame = "Received WebSocket message: "
	logPing  = "WebSocket ping message received"
)

// Output implements slack-go's logger.
func (l *socketLog) Output(_ int, line string) error {
	frame, isFrame := strings.CutPrefix(line, logFrame)
	if !isFrame && !strings.HasPrefix(line, logPing) {
		return nil
	}
	l.heard.Store(time.Now().UnixNano())
	if isFrame && strings.Contains(frame, `"disconnect"`) {
		var d struct{ Type, Reason string }
		if json.Unmarshal([]byte(frame), &d) == nil && d.Type == "disconnect" {
			l.disconnect(d.Reason)
		}
	}
	return nil
}

// silent is how long nothing came.
func (l *socketLog) silent() time.Duration { return time.Since(time.Unix(0, l.heard.Load())) }
