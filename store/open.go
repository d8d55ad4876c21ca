package store

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

// Schema is the version of keys and records. Fields may be added without a new
// one. A change that old records can't be read with gets a new version and, in
// prepare, the step that turns the stored ones into it; docs/STATE.md has the
// procedure. Version 1 is the first.
const Schema = 1

// Retention is how long an ended investigation is kept by default.
const Retention = 30 * 24 * time.Hour

// Open connects and returns when the store can be used. The URL is one of
//
//	redis://[user:password@]host[:6379][/db]
//	redis-sentinel://[user:password@]host[:26379],host…[/db][?master=mymaster&sentinel_user=…&sentinel_password=…]
//	redis-cluster://[user:password@]host[:6379],host…
//	rediss://, rediss-sentinel://, rediss-cluster://   the same over TLS
//	"" or embedded:                                    a Redis in this process, gone with it
//
// TLS trusts the system's roots and those of SSL_CERT_FILE.
func Open(ctx context.Context, rawURL string, o Options) (*Store, error) {
	s := &Store{retention: o.Retention, workers: o.Workers, log: o.Log, paced: o.Paced, failed: o.Failed}
	if s.retention <= 0 {
		s.retention = Retention
	}
	if s.workers <= 0 {
		s.workers = 20
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.paced == nil {
		s.paced = func(time.Duration) {}
	}
	if s.failed == nil {
		s.failed = func() {}
	}
	if rawURL == "" || rawURL == "embedded:" {
		m, err := miniredis.Run()
		if err != nil {
			return nil, fmt.Errorf("start embedded Redis: %w", err)
		}
		s.embedded = m
		rawURL = "redis://" + m.Addr()
	}
	opts, err := parseURL(rawURL)
	if err != nil {
		return nil, err
	}
	opts.PoolSize = s.workers + 20 // every task may write while the loops poll
	s.rdb, s.away = redis.NewUniversalClient(opts), &outage{log: s.log}
	s.inspector = asynq.NewInspectorFromRedisClient(s.rdb)
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.rdb.AddHook(s.away) // not before: who opens says by himself that it failed
	return s, nil
}

// The client's own log repeats, line by line and without a rate, what its errors
// say; it is kept for debugging.
func init() { redis.SetLogger(clientLog{}) }

type clientLog struct{}

func (clientLog) Printf(ctx context.Context, format string, args ...any) {
	slog.DebugContext(ctx, fmt.Sprintf(format, args...), "from", "go-redis")
}

// Embedded reports whether the state is in this process and gone with it.
func (s *Store) Embedded() bool { return s.embedded != nil }

// Close ends the connections. Work and Watchdog must have returned.
func (s *Store) Close() error {
	err := s.rdb.Close()
	if s.embedded != nil {
		s.embedded.Close()
	}
	return err
}

// parseURL reads the spellings that Open documents.
func parseURL(raw string) (*redis.UniversalOptions, error) {
	bad := func(problem string) (*redis.UniversalOptions, error) {
		// The URL itself may hold a password: it is not repeated.
		return nil, fmt.Errorf("read Redis URL: %s; it looks like redis://user:password@host:6379/0", problem)
	}
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return bad("no scheme")
	}
	// net/url knows one host only: the others are taken out first.
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	authority, path := rest[:end], rest[end:]
	userinfo := ""
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		userinfo, authority = authority[:at+1], authority[at+1:]
	}
	hosts := strings.Split(authority, ",")
	u, err := url.Parse("redis://" + userinfo + hosts[0] + path)
	if err != nil {
		return bad("it can't be parsed")
	}
	kind, port := strings.TrimPrefix(strings.TrimPrefix(scheme, "rediss"), "redis"), "6379"
	o := &redis.UniversalOptions{
		DialTimeout: time.Second, ReadTimeout: time.Second, WriteTimeout: time.Second, ContextTimeoutEnabled: true,
		MaxRetries: 3, DialerRetries: 1, // CallTimeout bounds them all
	}
	if strings.HasPrefix(scheme, "rediss") {
		o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	o.Username = u.User.Username()
	o.Password, _ = u.User.Password()
	query := u.Query()
	switch {
	case !strings.HasPrefix(scheme, "redis"):
		return bad("the scheme is none of Redis")
	case kind == "" && len(hosts) > 1:
		return bad("several hosts need redis-sentinel:// or redis-cluster://")
	case kind == "":
	case kind == "-cluster":
		o.IsClusterMode = true
	case kind == "-sentinel":
		port = "26379"
		if o.MasterName = query.Get("master"); o.MasterName == "" {
			o.MasterName = "mymaster"
		}
		o.SentinelUsername, o.SentinelPassword = query.Get("sentinel_user"), query.Get("sentinel_password")
	default:
		return bad("the scheme is none of Redis")
	}
	for _, h := range hosts {
		one, err := url.Parse("redis://" + h)
		if err != nil || one.Hostname() == "" {
			return bad("a host is missing or can't be parsed")
		}
		if one.Port() == "" {
			h += ":" + port
		}
		o.Addrs = append(o.Addrs, h)
	}
	if db := strings.Trim(u.Path, "/"); db != "" {
		if o.DB, err = strconv.Atoi(db); err != nil || kind == "-cluster" && o.DB != 0 {
			return bad("the path is the number of a database, and a Cluster has only 0")
		}
	}
	return o, nil
}

// prepare makes sure that the data is of our schema, and remembers its generation.
func (s *Store) prepare(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, CallTimeout, ErrUnavailable)
	defer cancel()
	if err := s.rdb.SetNX(ctx, schemaKey(), Schema, 0).Err(); err != nil {
		return wrap(ctx, "open the state store", err)
	}
	if err := s.checkSchema(ctx); err != nil {
		return err
	}
	_, err := s.checkGeneration(ctx)
	return err
}

func (s *Store) checkSchema(ctx context.Context) error {
	have, err := s.rdb.Get(ctx, schemaKey()).Int()
	switch {
	case errors.Is(err, redis.Nil): // emptied; checkGeneration says so
		return nil
	case err != nil:
		return wrap(ctx, "read the state store's schema", err)
	case have != Schema:
		return fmt.Errorf("open the state store: its data has schema %d, this program reads %d; see \"Schema\" in docs/STATE.md", have, Schema)
	}
	return nil
}

// checkGeneration reports whether the data is another incarnation than the one
// we knew: Redis was restarted empty, or flushed. It is adopted, with a log
// line, once.
func (s *Store) checkGeneration(ctx context.Context) (emptied bool, err error) {
	have, err := s.rdb.Get(ctx, generationKey()).Result()
	if errors.Is(err, redis.Nil) {
		now, terr := s.rdb.Time(ctx).Result()
		if terr != nil {
			return false, wrap(ctx, "read Redis's clock", terr)
		}
		// Several replicas find it missing at once: the first one's stands.
		err = s.rdb.SetNX(ctx, generationKey(), strconv.FormatInt(now.UnixMilli(), 10)+"-"+rand.Text()[:8], 0).Err()
		if err == nil {
			have, err = s.rdb.Get(ctx, generationKey()).Result()
		}
	}
	if err != nil {
		return false, wrap(ctx, "read the state store's generation", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	emptied = s.generation != "" && s.generation != have
	s.generation = have
	if emptied {
		s.log.Error("the state store was emptied: investigations, buttons and messages from before are lost", "begun", since(have))
		err = wrap(ctx, "write the state store's schema", s.rdb.SetNX(ctx, schemaKey(), Schema, 0).Err())
	}
	return emptied, err
}

// since is when a generation began.
func since(generation string) time.Time {
	text, _, _ := strings.Cut(generation, "-")
	ms, _ := strconv.ParseInt(text, 10, 64)
	return time.UnixMilli(ms).UTC()
}

// Ready reports whether Redis answers and its data is of our schema: nil,
// ErrUnavailable, or what is wrong.
func (s *Store) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, CallTimeout, ErrUnavailable)
	defer cancel()
	return s.checkSchema(ctx)
}
