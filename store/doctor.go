package store

import (
	"bufio"
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/stsleuth/stsleuth/playbook"
)

// ServerFacts is what a Redis server says of itself, as far as it decides
// whether what is stored stays.
type ServerFacts struct {
	Addr       string
	Version    string
	Policy     string         // maxmemory-policy, "" where the server does not say
	MaxMemory  int64          // bytes, 0: no bound
	AppendOnly playbook.Truth // every write goes to a file
	Snapshots  playbook.Truth // the whole is saved from time to time; Unknown where CONFIG is not allowed
	SaveFailed bool           // the last snapshot or rewrite ended in an error
}

// Servers asks every server that takes writes; it changes nothing. The embedded
// Redis gives none.
func (s *Store) Servers(ctx context.Context) ([]ServerFacts, error) {
	if s.embedded != nil {
		return nil, nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, CallTimeout, ErrUnavailable)
	defer cancel()
	var mu sync.Mutex
	var all []ServerFacts // guarded by mu
	one := func(ctx context.Context, c *redis.Client) error {
		f, err := serverFacts(ctx, c)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		all = append(all, f)
		return nil
	}
	var err error
	switch c := s.rdb.(type) {
	case *redis.ClusterClient:
		err = c.ForEachMaster(ctx, one)
	case *redis.Client:
		err = one(ctx, c)
	}
	if err != nil {
		return nil, wrap(ctx, "ask Redis about itself", err)
	}
	slices.SortFunc(all, func(a, b ServerFacts) int { return strings.Compare(a.Addr, b.Addr) })
	return all, nil
}

// serverFacts reads INFO, and CONFIG where it is allowed: managed Redis often
// refuses it. https://redis.io/docs/latest/commands/info/
func serverFacts(ctx context.Context, c *redis.Client) (ServerFacts, error) {
	text, err := c.Info(ctx).Result()
	if err != nil {
		return ServerFacts{}, err
	}
	info := map[string]string{}
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		if k, v, ok := strings.Cut(lines.Text(), ":"); ok {
			info[k] = strings.TrimSpace(v)
		}
	}
	f := ServerFacts{Addr: c.Options().Addr, Version: info["redis_version"], Policy: info["maxmemory_policy"]}
	f.MaxMemory, _ = strconv.ParseInt(info["maxmemory"], 10, 64)
	if v, ok := info["aof_enabled"]; ok {
		f.AppendOnly = playbook.Known(v == "1")
	}
	for _, k := range []string{"rdb_last_bgsave_status", "aof_last_bgrewrite_status", "aof_last_write_status"} {
		f.SaveFailed = f.SaveFailed || info[k] != "" && info[k] != "ok"
	}
	if save, err := c.ConfigGet(ctx, "save").Result(); err == nil {
		if v, ok := save["save"]; ok {
			f.Snapshots = playbook.Known(v != "")
		}
	} else if ctx.Err() != nil {
		return ServerFacts{}, err
	}
	return f, nil
}
