package store

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func z(score float64, member string) redis.Z { return redis.Z{Score: score, Member: member} }

// flush empties every node that can be written to.
func flush(t *testing.T, s *Store) {
	t.Helper()
	err := s.rdb.FlushAll(t.Context()).Err()
	if c, ok := s.rdb.(*redis.ClusterClient); ok {
		err = c.ForEachMaster(t.Context(), func(ctx context.Context, node *redis.Client) error { return node.FlushAll(ctx).Err() })
	}
	if err != nil {
		t.Fatal(err)
	}
}

// need skips where a program is not installed, and fails in CI, which has it.
func need(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not installed", program)
		}
		t.Skipf("%s is not installed", program)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// server is a redis-server of the test's own, appending every write to disk.
type server struct {
	t    *testing.T
	dir  string
	port string
	args []string
	cmd  *exec.Cmd
}

func startRedis(t *testing.T, args ...string) *server {
	t.Helper()
	need(t, "redis-server")
	s := &server{t: t, dir: t.TempDir(), port: freePort(t), args: args}
	s.start()
	t.Cleanup(func() { s.kill() })
	return s
}

func (s *server) addr() string { return "127.0.0.1:" + s.port }

func (s *server) start() {
	s.t.Helper()
	args := append([]string{"--port", s.port, "--bind", "127.0.0.1", "--dir", s.dir, "--appendonly", "yes", "--appendfsync", "always", "--save", ""}, s.args...)
	s.cmd = exec.Command("redis-server", args...)
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.wait()
}

// wait until the server accepts connections.
func (s *server) wait() {
	s.t.Helper()
	eventually(s.t, "redis-server on "+s.port, 10*time.Second, func() bool {
		c, err := net.Dial("tcp", s.addr())
		if err != nil {
			return false
		}
		c.Close()
		return true
	})
}

func (s *server) kill() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

// emptied gives the suite the same Redis each time, without its data.
func onEmpty(url string) func(*testing.T) string {
	return func(t *testing.T) string {
		s, err := Open(t.Context(), url, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		flush(t, s)
		return url
	}
}

func TestRedis(t *testing.T) {
	t.Parallel()
	testStore(t, onEmpty("redis://"+startRedis(t).addr()))
}

func TestRedisACL(t *testing.T) {
	t.Parallel()
	// What docs/STATE.md tells operators to allow.
	s := startRedis(t)
	c := redis.NewClient(&redis.Options{Addr: s.addr()})
	defer c.Close()
	for _, args := range [][]any{
		{"ACL", "SETUSER", "stsleuth", "on", ">s3cret%/", "~{stsleuth}:*", "~asynq:*", "&asynq:*", "+@all", "-@dangerous", "+flushall"}, // flushall: for this suite
		{"ACL", "SETUSER", "default", "off"},
	} {
		if err := c.Do(t.Context(), args...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	testStore(t, onEmpty("redis://stsleuth:s3cret%25%2F@"+s.addr()))
}

func TestSentinel(t *testing.T) {
	t.Parallel()
	need(t, "redis-sentinel")
	url, _, _ := startSentinels(t)
	testStore(t, onEmpty(url))
}

// startSentinels is a master with a replica, watched by three sentinels.
func startSentinels(t *testing.T) (url string, master, slave *server) {
	t.Helper()
	master = startRedis(t)
	slave = startRedis(t, "--replicaof", "127.0.0.1 "+master.port)
	var hosts []string
	for range 3 {
		dir, port := t.TempDir(), freePort(t)
		conf := filepath.Join(dir, "sentinel.conf")
		text := fmt.Sprintf("port %s\nbind 127.0.0.1\ndir %s\nsentinel monitor mymaster 127.0.0.1 %s 2\nsentinel down-after-milliseconds mymaster 1000\nsentinel failover-timeout mymaster 3000\n", port, dir, master.port)
		if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("redis-sentinel", conf)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
		hosts = append(hosts, "127.0.0.1:"+port)
	}
	for _, h := range hosts {
		c := redis.NewSentinelClient(&redis.Options{Addr: h})
		defer c.Close()
		eventually(t, "sentinels that know each other and the replica", 20*time.Second, func() bool {
			m, err := c.Master(context.Background(), "mymaster").Result()
			return err == nil && m["num-other-sentinels"] == "2" && m["num-slaves"] == "1"
		})
	}
	return "redis-sentinel://" + strings.Join(hosts, ",") + "/0?master=mymaster", master, slave
}

func TestCluster(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	var nodes []*server
	var hosts []string
	for i := range 3 {
		s := startRedis(t, "--cluster-enabled", "yes", "--cluster-port", freePort(t), "--cluster-node-timeout", "2000")
		nodes, hosts = append(nodes, s), append(hosts, s.addr())
		c := redis.NewClient(&redis.Options{Addr: s.addr()})
		defer c.Close()
		if err := c.ClusterAddSlotsRange(ctx, i*5462, min((i+1)*5462, 16384)-1).Err(); err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			bus := nodes[0].args[3]
			if err := c.Do(ctx, "CLUSTER", "MEET", "127.0.0.1", nodes[0].port, bus).Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, s := range nodes {
		c := redis.NewClient(&redis.Options{Addr: s.addr()})
		defer c.Close()
		eventually(t, "a Cluster", 20*time.Second, func() bool {
			info, err := c.ClusterInfo(ctx).Result()
			return err == nil && strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_known_nodes:3")
		})
	}
	testStore(t, onEmpty("redis-cluster://"+strings.Join(hosts, ",")))
}

func describe(o *redis.UniversalOptions) string {
	return fmt.Sprintf("addrs %v db %d user %s password %s master %s cluster %t tls %t",
		o.Addrs, o.DB, o.Username, o.Password, o.MasterName, o.IsClusterMode, o.TLSConfig != nil)
}
