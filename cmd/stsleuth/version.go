package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version tells which stsleuth this is: the tag (or what Go makes of the commit),
// the commit and its time, the Go and the system it was built for.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{} // not built as a module
	}
	return describe(info)
}

func describe(info *debug.BuildInfo) string {
	set := map[string]string{}
	for _, s := range info.Settings {
		set[s.Key] = s.Value
	}
	tag, commit := info.Main.Version, "commit not recorded" // as by `go install …@version`, where the version says it
	if tag == "" {
		tag = "(devel)"
	}
	if revision := set["vcs.revision"]; revision != "" {
		commit = "commit " + revision + " of " + set["vcs.time"]
		if set["vcs.modified"] == "true" {
			commit += ", and changes since"
		}
	}
	return fmt.Sprintf("stsleuth %s\n%s\nbuilt with %s for %s/%s", tag, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
