package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// group is an application's log group.
type group struct {
	c                   *capture
	name, region, class string
	account             string // "" is the asked one
	linked              bool   // another account's, shared with the asked one
	created             string
	retention           int
	lines               []line
}

type line struct {
	Timestamp int64  `json:"timestamp"`
	Stream    string `json:"stream"`
	Message   string `json:"message"`
}

// addGroup makes a log group in the asked region.
func (c *capture) addGroup(name string) *group {
	g := &group{c: c, name: name, region: c.region, created: "2025-02-03T09:00:00Z", retention: 30}
	c.groups = append(c.groups, g)
	return g
}

func (g *group) say(at time.Time, stream, message string) {
	g.lines = append(g.lines, line{at.UnixMilli() + int64(g.c.rng.IntN(900)), stream, message})
}

// repeat says a message n times, as a client does that retries.
func (g *group) repeat(at time.Time, n int, stream, message string) {
	for range n {
		g.say(at, stream, message)
		at = at.Add(time.Duration(8+g.c.rng.IntN(40)) * time.Second)
	}
}

// chatter is the ordinary noise of a healthy application.
func (g *group) chatter(n int, streams ...string) {
	for range n {
		at := g.c.now.Add(-time.Duration(g.c.rng.IntN(24*3600)) * time.Second)
		stream := streams[g.c.rng.IntN(len(streams))]
		switch g.c.rng.IntN(4) {
		case 0:
			g.say(at, stream, fmt.Sprintf(`{"level":"info","msg":"request done","route":"/v2/items","status":200,"ms":%d}`, 3+g.c.rng.IntN(300)))
		case 1:
			g.say(at, stream, fmt.Sprintf(`{"level":"debug","msg":"batch written","rows":%d}`, g.c.rng.IntN(500)))
		case 2:
			g.say(at, stream, fmt.Sprintf(`{"level":"warn","msg":"upstream slow","ms":%d}`, 900+g.c.rng.IntN(900)))
		default:
			g.say(at, stream, `{"level":"info","msg":"heartbeat"}`)
		}
	}
}

func (g *group) yaml(file string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "  - name: %s\n    region: %s\n    created: %s\n", g.name, g.region, g.created)
	if g.account != "" {
		fmt.Fprintf(&b, "    account: %q\n    linked: %t\n", g.account, g.linked)
	}
	if g.class != "" {
		fmt.Fprintf(&b, "    class: %s\n", g.class)
	}
	if g.retention > 0 {
		fmt.Fprintf(&b, "    retention_days: %d\n", g.retention)
	}
	if len(g.lines) > 0 {
		fmt.Fprintf(&b, "    stored_bytes: %d\n    events: %s\n", 1000*len(g.events()), file)
	}
	return b.String()
}

func (g *group) events() []byte {
	slices.SortStableFunc(g.lines, func(a, b line) int { return int(a.Timestamp - b.Timestamp) })
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for _, l := range g.lines {
		if err := enc.Encode(l); err != nil {
			panic(err)
		}
	}
	return b.Bytes()
}

// What AWS's SDKs log when a session has ended, a sentence each service and SDK.
const (
	botoExpired   = "botocore.exceptions.ClientError: An error occurred (ExpiredTokenException) when calling the Query operation: The security token included in the request is expired"
	botoS3Expired = "botocore.exceptions.ClientError: An error occurred (ExpiredToken) when calling the PutObject operation: The provided token has expired."
	goExpired     = `level=error msg="receive failed" err="operation error SQS: ReceiveMessage, https response error StatusCode: 403, RequestID: 5c0f7d2e-91f5-4b8d-9d0e-1f2b3c4d5e6f, api error ExpiredToken: The security token included in the request is expired"`
	goV1Expired   = `Error: reading SSM Parameter: ExpiredTokenException: The security token included in the request is expired\n\tstatus code: 400, request id: 1b2c3d4e-5f60-4718-9a0b-c1d2e3f40516`
	javaExpired   = "ERROR [worker-3] c.example.Consumer - software.amazon.awssdk.services.sqs.model.SqsException: The security token included in the request is expired (Service: Sqs, Status Code: 403, Request ID: 6f5e4d3c-2b1a-4098-8f7e-6d5c4b3a2918)"
	jsExpired     = `{"level":50,"msg":"ExpiredTokenException: The security token included in the request is expired","err":{"name":"ExpiredTokenException","$fault":"client","$metadata":{"httpStatusCode":400,"attempts":1}}}`
	ec2Expired    = "botocore.exceptions.ClientError: An error occurred (RequestExpired) when calling the DescribeInstances operation: Request has expired."
)
