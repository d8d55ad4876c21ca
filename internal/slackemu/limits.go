package slackemu

import (
	"math"
	"time"
)

// Rate limits: https://docs.slack.dev/apis/web-api/rate-limits
const (
	tier2 = 20 // calls a minute
	tier3 = 50
	tier4 = 100

	postsPerSecond = 1 // chat.postMessage, a channel
	postBurst      = 5 // Slack promises "short bursts" and no number
)

type bucket struct {
	tokens float64
	at     time.Time
}

// limit takes one call from the method's bucket and says how many whole
// seconds to wait if there is none. Caller holds mu.
func (s *Server) limit(method string, perMin int, channel string) int {
	if !s.limited {
		return 0
	}
	key, size, perSecond := method, float64(perMin), float64(perMin)/60
	if method == "chat.postMessage" {
		key, size, perSecond = method+" "+channel, postBurst, postsPerSecond
	}
	if size == 0 {
		return 0
	}
	now := s.now()
	b := s.buckets[key]
	if b == nil {
		b = &bucket{tokens: size, at: now}
		s.buckets[key] = b
	}
	b.tokens = math.Min(size, b.tokens+now.Sub(b.at).Seconds()*perSecond)
	b.at = now
	if b.tokens < 1 {
		return int(math.Ceil((1 - b.tokens) / perSecond))
	}
	b.tokens--
	return 0
}
