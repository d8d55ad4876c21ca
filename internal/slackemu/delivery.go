package slackemu

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"time"
)

// envelope is one thing sent to the app, with what became of it.
type envelope struct {
	ID         string          `json:"envelope_id"`
	Type       string          `json:"type"`
	Connection string          `json:"connection"`
	At         time.Time       `json:"at"`
	Attempts   int             `json:"attempts"`
	Acked      bool            `json:"acked"`
	AckMS      int64           `json:"ack_ms"`
	AckPayload json.RawMessage `json:"ack_payload"`
	Error      string          `json:"error"`
	Envelope   obj             `json:"envelope"`

	waiting []*waiter
}

type waiter struct {
	conn *conn
	ack  chan json.RawMessage // the payload; nil for none
}

// Delivery is what became of one attempt to hand an envelope to the app.
type Delivery struct {
	EnvelopeID string          `json:"envelope_id"`
	Acked      bool            `json:"acked"`
	AckMS      int64           `json:"ack_ms"`
	AckPayload json.RawMessage `json:"ack_payload"`
	Error      string          `json:"error"`
	Connection string          `json:"connection"`

	Errors       map[string]string `json:"errors,omitempty"`        // of a view submission
	Options      []Choice          `json:"options,omitempty"`       // of an external select
	OptionGroups []ChoiceGroup     `json:"option_groups,omitempty"` // of an external select
}

// acked gives an acknowledgement to those who wait for it.
func (s *Server) acked(c *conn, id string, payload json.RawMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.HalfOpen {
		return
	}
	env := s.envelope(id)
	if env == nil {
		return
	}
	if text := string(payload); text == "{}" || text == "null" {
		payload = nil // clients that always send a payload mean none
	}
	rest := env.waiting[:0]
	for _, w := range env.waiting {
		if w.conn == c || s.opts.LenientAcks {
			w.ack <- payload
			c.Acked++
		} else {
			rest = append(rest, w)
			c.ForeignAcks++
		}
	}
	env.waiting = rest
}

// envelope finds a kept envelope, newest first. Caller holds mu.
func (s *Server) envelope(id string) *envelope {
	for _, e := range slices.Backward(s.envelopes.items) {
		if e.ID == id {
			return e
		}
	}
	return nil
}

// newEnvelope packs a payload as it is now. Caller holds mu.
func (s *Server) newEnvelope(typ string, acceptsPayload bool, payload obj) *envelope {
	id := uuid()
	env := &envelope{ID: id, Type: typ, At: time.Now().UTC(),
		Envelope: obj{"envelope_id": id, "type": typ, "accepts_response_payload": acceptsPayload, "payload": encode(payload)}}
	s.envelopes.add(env)
	return env
}

// deliver sends an envelope to one open connection, any of them, and waits for
// its acknowledgement, 3 s at most.
func (s *Server) deliver(env *envelope) Delivery {
	d := Delivery{EnvelopeID: env.ID}
	s.mu.Lock()
	env.Attempts++
	live := slices.DeleteFunc(s.live(), func(c *conn) bool { return c.leaving })
	if len(live) == 0 {
		d.Error = "dispatch_failed"
		env.Error = d.Error
		s.publish(obj{"type": "envelope", "envelope_id": env.ID, "state": d.Error}, nil)
		s.mu.Unlock()
		return d
	}
	c := live[rand.IntN(len(live))]
	w := &waiter{conn: c, ack: make(chan json.RawMessage, 1)}
	env.waiting = append(env.waiting, w)
	env.Connection, d.Connection = c.ID, c.ID
	c.Sent++
	frame := encode(env.Envelope)
	s.publish(obj{"type": "envelope", "envelope_id": env.ID, "state": "sent"}, nil)
	s.mu.Unlock()

	start := time.Now()
	timeout := time.NewTimer(s.opts.AckTimeout)
	defer timeout.Stop()
	c.write(frame) // an error shows as a missing acknowledgement, as in Slack
	select {
	case d.AckPayload = <-w.ack:
		d.Acked = true
	case <-timeout.C:
	case <-s.ctx.Done():
	}
	d.AckMS = time.Since(start).Milliseconds()

	s.mu.Lock()
	defer s.mu.Unlock()
	state := "acked"
	if d.Acked {
		env.Error = ""
	} else {
		state, d.Error = "timed_out", "operation_timeout"
		env.waiting = slices.DeleteFunc(env.waiting, func(o *waiter) bool { return o == w })
		env.Error = d.Error
		c.TimedOut++
	}
	env.Acked, env.AckMS, env.AckPayload = d.Acked, d.AckMS, d.AckPayload
	s.publish(obj{"type": "envelope", "envelope_id": env.ID, "state": state}, nil)
	return d
}

// sendEvent hands an event to the app in the background and repeats it until
// it is acknowledged, as the Events API does. Caller holds mu.
func (s *Server) sendEvent(payload obj) {
	env := s.newEnvelope("events_api", false, payload)
	s.wg.Go(func() {
		d := s.deliver(env)
		for i, wait := range s.opts.EventRetries {
			if d.Acked {
				return
			}
			select {
			case <-time.After(wait):
			case <-s.ctx.Done():
				return
			}
			reason := "timeout"
			if d.Error == "dispatch_failed" {
				reason = "connection_failed"
			}
			s.mu.Lock()
			env.Envelope["retry_attempt"], env.Envelope["retry_reason"] = i+1, reason
			s.mu.Unlock()
			d = s.deliver(env)
		}
	})
}
