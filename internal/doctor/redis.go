package doctor

import (
	"context"
	"fmt"
	"strings"

	"github.com/stsleuth/stsleuth/playbook"
)

func redisGroup(r *Redis) Group {
	if r.Embedded {
		return Group{Name: "Redis", First: []Check{{"redis.reach", "The state is kept outside of the process", func(context.Context) Finding {
			return worth("Set REDIS_URL, for example redis://user:password@host:6379/0.", "No Redis is configured: investigations are kept in the bot's memory, and are gone when it ends.")
		}}}}
	}
	var servers []Server // set by the first check, read by those after it
	return Group{Name: "Redis",
		First: []Check{{"redis.reach", "Redis answers and its data is of this version", func(ctx context.Context) Finding {
			if err := r.Open(ctx); err != nil {
				return missing("Check REDIS_URL (redis://user:password@host:6379/0; rediss:// for TLS), and that the way to its port is open from here.", "%s.", strings.TrimSuffix(err.Error(), "."))
			}
			var err error
			if servers, err = r.Servers(ctx); err != nil {
				return missing("Allow the user the command INFO.", "Redis answers, but not about itself: %s.", err)
			}
			words := make([]string, len(servers))
			for i, s := range servers {
				words[i] = fmt.Sprintf("Redis %s at %s", s.Version, s.Addr)
			}
			return good("%s.", strings.Join(words, ", "))
		}}},
		Then: []Check{
			{"redis.persistence", "Redis keeps its data over a restart", func(context.Context) Finding { return persistence(servers) }},
			{"redis.eviction", "Redis never drops data to make room", func(context.Context) Finding { return eviction(servers) }},
		}}
}

// persistence: with neither file nor snapshots a restart forgets running
// investigations and the buttons under old answers.
// https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/
func persistence(servers []Server) Finding {
	fix := "redis-cli CONFIG SET appendonly yes && redis-cli CONFIG REWRITE   (on a managed Redis: switch on the append-only file in its parameters)"
	unknown := ""
	for _, s := range servers {
		switch {
		case s.SaveFailed:
			return missing("Look into the Redis log of "+s.Addr+": its disk is full or not writable.", "The last save of %s failed.", s.Addr)
		case s.AppendOnly == playbook.Yes || s.Snapshots == playbook.Yes:
		case s.AppendOnly == playbook.No && s.Snapshots == playbook.No:
			return missing(fix, "%s keeps nothing on disk: a restart loses every investigation.", s.Addr)
		default:
			unknown = s.Addr
		}
	}
	if unknown != "" {
		return worth(fix, "%s writes no append-only file, and does not say whether it takes snapshots.", unknown)
	}
	for _, s := range servers {
		if s.AppendOnly != playbook.Yes {
			return good("By snapshots; a crash loses what came after the last one.")
		}
	}
	return good("By an append-only file.")
}

// eviction: any policy but noeviction may drop half of an investigation.
// https://redis.io/docs/latest/develop/reference/eviction/
func eviction(servers []Server) Finding {
	for _, s := range servers {
		switch s.Policy {
		case "noeviction":
		case "":
			return worth("Set maxmemory-policy to noeviction.", "%s does not say what it does when its memory is full.", s.Addr)
		default:
			return missing("redis-cli CONFIG SET maxmemory-policy noeviction && redis-cli CONFIG REWRITE   (on a managed Redis: in its parameters)",
				"%s drops keys when its memory is full (%s).", s.Addr, s.Policy)
		}
	}
	return good("noeviction.")
}
