package store

import (
	"testing"

	"github.com/stsleuth/stsleuth/playbook"
)

func TestServersSayWhetherTheyKeepWhatTheyAreGiven(t *testing.T) {
	for name, tt := range map[string]struct {
		set  map[string]string
		want ServerFacts
	}{
		"as it should be":       {map[string]string{"appendonly": "yes", "save": "", "maxmemory-policy": "noeviction"}, ServerFacts{Policy: "noeviction", AppendOnly: playbook.Yes, Snapshots: playbook.No}},
		"evicting, snapshots":   {map[string]string{"appendonly": "no", "save": "60 1", "maxmemory-policy": "allkeys-lru", "maxmemory": "104857600"}, ServerFacts{Policy: "allkeys-lru", MaxMemory: 104857600, AppendOnly: playbook.No, Snapshots: playbook.Yes}},
		"keeping nothing":       {map[string]string{"appendonly": "no", "save": "", "maxmemory-policy": "noeviction"}, ServerFacts{Policy: "noeviction", AppendOnly: playbook.No, Snapshots: playbook.No}},
		"CONFIG is not allowed": {map[string]string{"appendonly": "no"}, ServerFacts{Policy: "noeviction", AppendOnly: playbook.No}},
	} {
		t.Run(name, func(t *testing.T) {
			redis := startRedis(t)
			s := replica(t, "redis://"+redis.addr())
			for k, v := range tt.set {
				if err := s.rdb.ConfigSet(t.Context(), k, v).Err(); err != nil {
					t.Fatal(err)
				}
			}
			if tt.want.Snapshots == playbook.Unknown {
				if err := s.rdb.Do(t.Context(), "ACL", "SETUSER", "default", "-config").Err(); err != nil {
					t.Fatal(err)
				}
			}
			got, err := s.Servers(t.Context())
			if err != nil || len(got) != 1 || got[0].Version == "" || got[0].Addr != redis.addr() {
				t.Fatalf("%+v, %v", got, err)
			}
			got[0].Version, got[0].Addr = "", ""
			if got[0] != tt.want {
				t.Errorf("got %+v, want %+v", got[0], tt.want)
			}
		})
	}
	if got, err := replica(t, "").Servers(t.Context()); err != nil || got != nil {
		t.Errorf("embedded: %+v, %v", got, err)
	}
}
