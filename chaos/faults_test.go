package chaos

import (
	"context"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"time"
)

// breaker breaks everything for a while. What is broken when depends on the
// seed only; what it meets does not.
type breaker struct {
	w        *world
	seed     uint64
	over     time.Duration
	restarts int // of Redis
	replicas []*replica

	// what was done; to be read after run
	kills, allAtOnce, stops, cuts, slackFaults, awsFaults int

	slowestStop time.Duration // from SIGTERM to its end
}

// run returns when everything is whole again.
func (b *breaker) run(ctx context.Context) {
	var kinds sync.WaitGroup
	for i, kind := range []func(context.Context, *rand.Rand){b.killReplicas, b.killRedis, b.failSlack, b.cutSockets, b.failAWS} {
		kinds.Go(func() { kind(ctx, rand.New(rand.NewPCG(b.seed, uint64(i)))) })
	}
	kinds.Wait()
	b.w.control(http.MethodDelete, b.w.slack, "fault", nil, nil)
	b.w.control(http.MethodDelete, b.w.aws, "fault", nil, nil)
}

// each does something at one moment of each of n equal parts of the time.
func (b *breaker) each(ctx context.Context, r *rand.Rand, n int, do func()) {
	began := time.Now()
	for i := range n {
		part := b.over / time.Duration(n)
		at := part*time.Duration(i) + time.Duration(r.Int64N(int64(part)))
		if !pause(ctx, at-time.Since(began)) {
			return
		}
		do()
	}
}

// between draws a duration.
func between(r *rand.Rand, low, high time.Duration) time.Duration {
	return low + time.Duration(r.Int64N(int64(high-low)))
}

// killReplicas is kill -9 of one, at times of all, and at times a SIGTERM, as a
// deployment sends it.
func (b *breaker) killReplicas(ctx context.Context, r *rand.Rand) {
	b.each(ctx, r, max(2, int(b.over/(4*time.Second))), func() {
		victims := []*replica{b.replicas[r.IntN(len(b.replicas))]}
		switch r.IntN(8) {
		case 0:
			victims = b.replicas
			b.allAtOnce++
			fallthrough
		default:
			for _, v := range victims {
				v.kill()
				b.kills++
			}
		case 1:
			b.stop(victims[0])
		}
		pause(ctx, between(r, 500*time.Millisecond, 2*time.Second))
		for _, v := range victims {
			v.run(len(b.replicas))
		}
	})
}

func (b *breaker) stop(v *replica) {
	began := time.Now()
	v.signal(syscall.SIGTERM)
	b.stops++
	b.slowestStop = max(b.slowestStop, time.Since(began))
	if code := v.cmd.ProcessState.ExitCode(); code != 0 {
		b.w.t.Errorf("%s ended with %d after SIGTERM\n%s", v.name, code, v.tail())
	}
}

func (b *breaker) killRedis(ctx context.Context, r *rand.Rand) {
	b.each(ctx, r, b.restarts, func() {
		b.w.redis.kill()
		pause(ctx, between(r, time.Second, 3*time.Second))
		b.w.startRedis()
	})
}

var (
	// slackMethods are those that post, and those that look what was posted; the
	// one that matters most is there more than once.
	slackMethods = []string{"chat.postMessage", "chat.postMessage", "chat.postMessage", "chat.update", "chat.update", "files.getUploadURLExternal", "upload",
		"files.completeUploadExternal", "conversations.replies", "conversations.history", "chat.getPermalink"}
	slackFaults = []obj{
		{"status": 429, "retry_after": 1},
		{"status": 429, "retry_after": 3},
		{"status": 500, "after_commit": true},
		{"after_commit": true}, // the connection is cut
		{"error": "internal_error", "after_commit": true},
		{"status": 503},
	}
)

func (b *breaker) failSlack(ctx context.Context, r *rand.Rand) {
	b.each(ctx, r, int(b.over/(1500*time.Millisecond)), func() {
		f := obj{"method": slackMethods[r.IntN(len(slackMethods))], "times": 1 + r.IntN(3)}
		for k, v := range slackFaults[r.IntN(len(slackFaults))] {
			f[k] = v
		}
		b.w.control(http.MethodPost, b.w.slack, "fault", f, nil)
		b.slackFaults++
	})
}

// reasons are Slack's; the last one is ours for a connection over which nothing
// passes any more.
var reasons = []string{"refresh_requested", "warning", "too_many_websockets", "link_disabled", "half-open"}

func (b *breaker) cutSockets(ctx context.Context, r *rand.Rand) {
	b.each(ctx, r, int(b.over/(6*time.Second)), func() {
		reason, which, all := reasons[b.cuts%len(reasons)], r.IntN(16), r.IntN(6) == 0
		b.cuts++
		var now struct {
			Connections []struct {
				ID   string
				Open bool
				Half bool `json:"half_open"`
			}
		}
		b.w.control(http.MethodGet, b.w.slack, "sockets", nil, &now)
		var open []string
		for _, c := range now.Connections {
			if c.Open && !c.Half {
				open = append(open, c.ID)
			}
		}
		if len(open) == 0 {
			return
		}
		open = open[which%len(open):][:1]
		path, in := "disconnect", obj{"reason": reason}
		if reason == "half-open" {
			path, in, all = "halfopen", obj{}, false
		}
		if !all {
			in["connection"] = open[0]
		}
		if err := ask(ctx, http.MethodPost, b.w.slack+"/_emu/"+path, in, nil); err != nil && ctx.Err() == nil {
			b.w.t.Log(err) // its replica was killed meanwhile
		}
	})
}

var (
	awsActions = []string{"sts:GetCallerIdentity", "iam:GetRole", "iam:ListRoles", "iam:ListAccountAliases", "cloudtrail:DescribeTrails", "cloudtrail:GetTrailStatus",
		"cloudtrail:LookupEvents", "logs:DescribeLogGroups", "logs:StartQuery", "logs:GetQueryResults", "logs:FilterLogEvents", "cloudwatch:GetMetricData", "health:DescribeEvents"}
	awsFaults = []obj{{"throttle": true}, {"error": "InternalFailure"}, {"error": "ServiceUnavailable"}}
)

// failAWS never has one action fail as often in a row as the SDK tries: AWS
// would then not have answered, and the diagnosis would say so.
func (b *breaker) failAWS(ctx context.Context, r *rand.Rand) {
	var last []string
	b.each(ctx, r, int(b.over/(1500*time.Millisecond)), func() {
		action := awsActions[r.IntN(len(awsActions))]
		for slices.Contains(last, action) {
			action = awsActions[r.IntN(len(awsActions))]
		}
		last = append(last[max(0, len(last)-6):], action)
		f := obj{"action": action, "times": 1 + r.IntN(2)}
		for k, v := range awsFaults[r.IntN(len(awsFaults))] {
			f[k] = v
		}
		b.w.control(http.MethodDelete, b.w.aws, "fault", nil, nil) // what the one before did not meet
		b.w.control(http.MethodPost, b.w.aws, "fault", f, nil)
		b.awsFaults++
	})
}
