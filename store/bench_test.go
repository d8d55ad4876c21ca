package store

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/stsleuth/stsleuth/playbook"
)

// meter counts commands (as a hook of the client) and bytes (as a proxy before
// the server).
type meter struct {
	commands, bytes atomic.Int64
}

func (m *meter) DialHook(next redis.DialHook) redis.DialHook { return next }
func (m *meter) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { m.commands.Add(1); return next(ctx, cmd) }
}
func (m *meter) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		m.commands.Add(int64(len(cmds)))
		return next(ctx, cmds)
	}
}

// between gives the address of a proxy before a server.
func (m *meter) between(b *testing.B, server string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	var wg sync.WaitGroup
	b.Cleanup(func() { l.Close(); wg.Wait() })
	pipe := func(to, from net.Conn) {
		defer to.Close()
		buf := make([]byte, 64<<10)
		for {
			n, err := from.Read(buf)
			m.bytes.Add(int64(n))
			if _, werr := to.Write(buf[:n]); err != nil || werr != nil {
				return
			}
		}
	}
	wg.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", server)
			if err != nil {
				in.Close()
				return
			}
			wg.Go(func() { pipe(out, in) })
			wg.Go(func() { pipe(in, out) })
		}
	})
	return l.Addr().String()
}

var nine = []playbook.StepID{playbook.RoleAndHealth, playbook.STSErrors, playbook.RoleConfig, playbook.STSMetrics, playbook.Sessions,
	playbook.AppErrors, playbook.CrossAccount, playbook.TrustChanges, playbook.Federation}

// typical is an outcome of 8 KiB, as an ordinary step has.
func typical(n int, step playbook.StepID) playbook.Outcome {
	o := outcome(n, step)
	o.Facts, _ = json.Marshal(bulky{Sessions: bulk(180)})
	for range 10 {
		o.Proof = append(o.Proof, playbook.Proof{Action: "cloudtrail:LookupEvents", Region: "eu-west-1", CLI: "aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue=AssumeRole", Result: "12 events"})
	}
	return o
}

// BenchmarkInvestigation is everything that the store does for one: the command,
// nine steps, the report, and each message claimed, loaded and noted.
func BenchmarkInvestigation(b *testing.B) {
	for _, backend := range []string{"embedded", "redis"} {
		b.Run(backend, func(b *testing.B) {
			addr := ""
			if backend == "embedded" {
				m := miniredis.NewMiniRedis()
				if err := m.Start(); err != nil {
					b.Fatal(err)
				}
				defer m.Close()
				addr = m.Addr()
			} else if addr = os.Getenv("REDIS_ADDR"); addr == "" {
				b.Skip("REDIS_ADDR does not name a Redis to measure")
			}
			var m meter
			s, err := Open(b.Context(), "redis://"+m.between(b, addr), Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			s.rdb.AddHook(&m)
			m.bytes.Store(0)
			n, stored := 0, int64(0)
			for b.Loop() {
				n++
				stored = measured(b, s)
			}
			b.ReportMetric(float64(m.commands.Load())/float64(n), "commands/inv")
			b.ReportMetric(float64(m.bytes.Load())/1024/float64(n), "KiB/inv")
			b.ReportMetric(float64(stored)/1024, "KiB-stored/inv")
		})
	}
}

// measured carries one investigation through and returns the size of its record.
func measured(b *testing.B, s *Store) (stored int64) {
	ctx := b.Context()
	check := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	in := asked("payments-api")
	id := in.Request.ID
	in.Place.Channel = "C-" + id // its own: the pace of a channel is not what is measured
	in.Place.Team = "T-" + id
	_, err := s.Accept(ctx, playbook.Delivery{Envelope: "e-" + id, Trigger: "t-" + id}, in, true)
	check(err)
	send := func() bool {
		ms, err := s.Claim(ctx, 1)
		check(err)
		for _, m := range ms {
			_, err := s.Load(ctx, m.Investigation)
			check(err)
			check(s.Posted(ctx, m, playbook.Posted{Channel: in.Place.Channel, TS: "1"}))
			check(s.rdb.Del(ctx, paceKey()).Err())
		}
		return len(ms) > 0
	}
	token, _, err := s.Begin(ctx, id)
	check(err)
	for n, step := range nine {
		_, err := s.Settle(ctx, id, token, typical(n+1, step))
		check(err)
		send()
	}
	check(s.Conclude(ctx, id, token, playbook.Report{Request: in.Request}))
	for send() {
	}
	fields, err := s.rdb.HGetAll(ctx, recordKey(id)).Result()
	check(err)
	for field, value := range fields {
		stored += int64(len(field) + len(value))
	}
	return stored
}

// Benchmark200AtOnce is two hundred investigations on one replica with the
// embedded Redis: how long they take when their steps take nothing, and what
// the process then holds.
func Benchmark200AtOnce(b *testing.B) {
	const many = 200
	for b.Loop() {
		s, err := Open(b.Context(), "", Options{Workers: many})
		if err != nil {
			b.Fatal(err)
		}
		ctx, cancel := context.WithCancel(b.Context())
		var wg sync.WaitGroup
		var all sync.WaitGroup
		all.Add(many)
		wg.Go(func() {
			s.Work(ctx, Tasks{Investigate: func(ctx context.Context, inv playbook.Investigation) error {
				defer all.Done()
				token, _, err := s.Begin(ctx, inv.Request.ID)
				for n, step := range nine {
					if err == nil {
						_, err = s.Settle(ctx, inv.Request.ID, token, typical(n+1, step))
					}
				}
				if err == nil {
					err = s.Conclude(ctx, inv.Request.ID, token, playbook.Report{})
				}
				return err
			}})
		})
		begun := time.Now()
		for i := range many {
			if _, err := s.Accept(ctx, playbook.Delivery{}, asked(fmt.Sprint("role-", i)), false); err != nil {
				b.Fatal(err)
			}
		}
		all.Wait()
		b.ReportMetric(time.Since(begun).Seconds(), "s/200")
		b.ReportMetric(resident(), "MiB-resident")
		cancel()
		wg.Wait()
		s.Close()
	}
}

// resident is the process's resident memory in MiB, 0 where it can't be read.
func resident() float64 {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0
	}
	defer f.Close()
	text, _ := io.ReadAll(f)
	for line := range strings.Lines(string(text)) {
		var kib float64
		if n, _ := fmt.Sscanf(line, "VmRSS: %f kB", &kib); n == 1 {
			return kib / 1024
		}
	}
	return 0
}
