// Package check renders and lints the Helm chart with helm's own library, and
// reads and tries the alerts and the dashboard with Prometheus' own. It is a
// module of its own: what it needs would make the product's go.mod ten times as
// long. It needs neither network nor cluster.
//
//	cd deploy/check && go test ./...
package check
