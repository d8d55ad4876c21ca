// Package chaos shows that nothing is lost and nothing is said twice while
// everything breaks. It has tests only. They start the real program: an AWS and
// a Slack emulator, a redis-server that appends every write to disk, and
// replicas of `stsleuth serve`, all as processes on loopback, and look at them
// only from outside: through the emulators' controls and the stored records.
//
// Start at TestChaos in chaos_test.go. What breaks is in faults_test.go, who
// asks in people_test.go, what must hold in the end in verdict_test.go.
// kill_test.go measures how soon another replica goes on, load_test.go what 200
// investigations at once cost. process_test.go and world_test.go start things,
// incident_test.go moves an example incident to the present.
//
// `go test ./chaos` is a short form of some thirty seconds. `make chaos` breaks
// things for two minutes, STSLEUTH_CHAOS says for how long, STSLEUTH_CHAOS_SEED
// repeats what was broken when. With -artifacts the logs of all processes are
// kept.
package chaos
