// Package deploy holds what stsleuth is put into production with: image, chart,
// unit, IAM and Slack documents, dashboard and alerts. It has no code but its
// tests; README.md says what each file is and how it is checked. The checks that
// need helm's and Prometheus' own libraries are in check/, a module of its own,
// so that the product's go.mod stays small.
package deploy
