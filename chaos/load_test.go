package chaos

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stsleuth/stsleuth/playbook"
)

// BenchmarkTwoHundredAtOnce asks one replica 200 questions at once, until each
// has its diagnosis, and says what that took. Telling them takes longer: the
// workspace takes a few messages a second.
func BenchmarkTwoHundredAtOnce(b *testing.B) {
	const n = 200
	regions := []string{home}
	for _, r := range playbook.Regions("aws") {
		if r != home && len(regions)*len(roles) < n {
			regions = append(regions, r)
		}
	}
	for b.Loop() {
		w := newWorld(b, regions, time.Second)
		r := w.replica(1, 1)
		r.ready()
		idle := resident(r.process, "VmRSS")
		qs := questions(n, regions, func(int, func(i, j int)) {})
		var a asked
		began := time.Now()
		a.all(b.Context(), w, qs, time.Nanosecond)
		asked := time.Since(began)
		until(b, "each has its diagnosis", 10*time.Minute, func() bool {
			all, err := w.state.List(b.Context(), playbook.Filter{State: playbook.Finished, Limit: 2 * n})
			return err == nil && len(all) == n
		})
		took := time.Since(began)
		b.ReportMetric(took.Seconds(), "s/200-diagnoses")
		b.ReportMetric(asked.Seconds(), "s/200-acknowledged")
		if peak := resident(r.process, "VmHWM"); peak > 0 {
			b.ReportMetric(float64(idle), "MiB-resident-idle")
			b.ReportMetric(float64(peak), "MiB-resident-peak")
		}
		b.Logf("%d commands typed, slowest acknowledgement %s, %d not acknowledged, %v", a.typed, a.slowest, a.silent, a.refused)
		r.signal(syscall.SIGTERM)
	}
}

// resident is what /proc says of a process's memory, in MiB; 0 where there is
// no /proc.
func resident(p *process, field string) int {
	raw, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	_, rest, _ := strings.Cut(string(raw), field+":")
	kb, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	n, _ := strconv.Atoi(kb)
	return n / 1024
}
