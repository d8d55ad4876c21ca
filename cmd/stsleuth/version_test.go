package main

import (
	"bytes"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

func TestVersionTellsTagCommitAndGo(t *testing.T) {
	built := "\nbuilt with " + runtime.Version() + " for " + runtime.GOOS + "/" + runtime.GOARCH
	vcs := []debug.BuildSetting{{Key: "vcs.revision", Value: "545b13b8df4b"}, {Key: "vcs.time", Value: "2026-11-23T15:59:22Z"}}
	for name, c := range map[string]struct {
		info debug.BuildInfo
		want string
	}{
		"a release":                {debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}, Settings: vcs}, "stsleuth v1.2.3\ncommit 545b13b8df4b of 2026-11-23T15:59:22Z"},
		"a changed working tree":   {debug.BuildInfo{Main: debug.Module{Version: "v1.2.3+dirty"}, Settings: append(vcs, debug.BuildSetting{Key: "vcs.modified", Value: "true"})}, "stsleuth v1.2.3+dirty\ncommit 545b13b8df4b of 2026-11-23T15:59:22Z, and changes since"},
		"go install of a version":  {debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}}, "stsleuth v1.2.3\ncommit not recorded"},
		"built without build info": {debug.BuildInfo{}, "stsleuth (devel)\ncommit not recorded"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := describe(&c.info); got != c.want+built {
				t.Errorf("got %q, want %q", got, c.want+built)
			}
		})
	}

	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"--version"}, streams{&out, &errs, env}); code != exitDone || !strings.HasPrefix(out.String(), "stsleuth ") || errs.Len() > 0 {
		t.Errorf("--version exits with %d, says %q and %q", code, out.String(), errs.String())
	}
}
