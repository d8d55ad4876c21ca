package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// form is how much is asked and broken.
type form struct {
	over      time.Duration // of the faults
	questions int
	restarts  int // of Redis
	replicas  int
	query     time.Duration // that a query of AWS takes
	within    time.Duration // from the last fault until all is told
}

// chosen is the short form, or the long one for as long as the environment says.
func chosen(t *testing.T) form {
	text := os.Getenv("STSLEUTH_CHAOS")
	if text == "" {
		return form{over: 6 * time.Second, questions: 6, restarts: 1, replicas: 3, query: 500 * time.Millisecond, within: 90 * time.Second}
	}
	over, err := time.ParseDuration(text)
	if err != nil || over < 20*time.Second {
		t.Fatalf("STSLEUTH_CHAOS is %q, not a duration of 20s or more", text)
	}
	return form{over: over, questions: 30, restarts: 2, replicas: 3, query: 2 * time.Second, within: 4 * time.Minute}
}

// seed is what the run depends on; the environment repeats one.
func seed(t *testing.T) uint64 {
	s := uint64(time.Now().UnixNano())
	if text := os.Getenv("STSLEUTH_CHAOS_SEED"); text != "" {
		var err error
		if s, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("STSLEUTH_CHAOS_SEED: %v", err)
		}
	}
	t.Logf("seed %d: repeat it with STSLEUTH_CHAOS_SEED=%d", s, s)
	return s
}

// Replicas are killed, Redis is killed, Slack and AWS fail, sockets are cut,
// while people ask. Each question that was taken is answered, once, and with
// the same diagnosis as in quiet times.
func TestChaos(t *testing.T) {
	t.Parallel()
	f, s := chosen(t), seed(t)
	regions := []string{home, "eu-central-1", "us-west-2", "ap-southeast-2"}
	w := newWorld(t, regions, f.query)
	b := &breaker{w: w, seed: s, over: f.over, restarts: f.restarts}
	for n := range f.replicas {
		b.replicas = append(b.replicas, w.replica(n+1, f.replicas))
	}
	for _, r := range b.replicas {
		r.ready()
	}

	qs := questions(f.questions, regions, rand.New(rand.NewPCG(s, 99)).Shuffle)
	var a asked
	ctx, cancel := context.WithTimeout(t.Context(), f.over+2*time.Minute)
	defer cancel()
	watched, unwatch := context.WithCancel(t.Context())
	var silence silences
	var watching, both sync.WaitGroup
	watching.Go(func() { silence.watch(watched, w.rdb) })
	began := time.Now()
	both.Go(func() { a.all(ctx, w, qs, f.over*3/4) })
	both.Go(func() { b.run(ctx) })
	both.Wait()
	if len(a.accepted) != len(qs) {
		t.Errorf("%d of %d questions were taken", len(a.accepted), len(qs))
	}
	quiet := time.Now()
	w.settled(len(qs), f.within)
	calm := time.Since(quiet)
	unwatch()
	watching.Wait()

	all := w.ended(qs)
	messages, twice := w.once(all)
	differ := w.undisturbed(all)
	var resumes int64
	var took, toTold []time.Duration
	for _, inv := range all {
		resumes += w.field(inv.Request.ID, "try") - 1
		took = append(took, inv.Ended.Sub(inv.Accepted))
		last, _ := inv.Message("trace")
		toTold = append(toTold, last.At.Sub(inv.Accepted))
	}
	hitSlack, hitAWS := w.met()
	t.Logf("%d questions, %d commands typed: %d not acknowledged, %v; slowest acknowledgement %s", len(qs), a.typed, a.silent, a.refused, a.slowest)
	t.Logf("%d replicas killed and restarted (%d times all at once), %d told to stop (gone after %s at the latest), Redis killed %d times, sockets cut %d times",
		b.kills, b.allAtOnce, b.stops, b.slowestStop.Round(10*time.Millisecond), b.restarts, b.cuts)
	t.Logf("%d faults of Slack met %d calls, %d faults of AWS met %d calls", b.slackFaults, hitSlack, b.awsFaults, hitAWS)
	t.Logf("%d resumes; longest silence of a run %s; from question to diagnosis %s, to its last message %s",
		resumes, silence.longest.Round(10*time.Millisecond), spread(took), spread(toTold))
	t.Logf("%d messages in %d threads, %d of them twice, %d diagnoses differ", messages, len(all), twice, differ)
	t.Logf("all told %s after the last fault, %s after the first question", calm.Round(100*time.Millisecond), time.Since(began).Round(time.Second))
	for _, line := range w.logged() {
		if strings.Contains(line, "panic") {
			t.Error(line)
		}
	}
}

// spread says how long things took.
func spread(all []time.Duration) string {
	if len(all) == 0 {
		return "never"
	}
	slices.Sort(all)
	return fmt.Sprintf("%s (median), %s (longest)", all[len(all)/2].Round(100*time.Millisecond), all[len(all)-1].Round(100*time.Millisecond))
}

// silences watches the heartbeats of the runs.
type silences struct {
	longest time.Duration
}

// watch notes the longest time between two heartbeats of a run, by Redis's
// clock, until ctx ends. It is how long a run that lost its worker waited for
// another.
func (s *silences) watch(ctx context.Context, rdb *redis.Client) {
	last := map[string]float64{}
	for pause(ctx, 200*time.Millisecond) {
		beats, err := rdb.ZRangeWithScores(ctx, "{stsleuth}:live", 0, -1).Result()
		if err != nil {
			continue
		}
		for _, z := range beats {
			id := z.Member.(string)
			if before, ok := last[id]; ok {
				s.longest = max(s.longest, time.Duration(z.Score-before)*time.Millisecond)
			}
			last[id] = z.Score
		}
	}
}
