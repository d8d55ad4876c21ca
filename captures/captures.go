// Package captures holds example incidents. A handful of them is built into the
// program, so that the demo needs nothing but itself; see README.md for all.
package captures

import "embed"

// Examples are the incidents that the demo offers, a folder each.
//
//go:embed payments-hourly base-credentials-loaded-once one-image-many-roles stale-token-epochs two-troubles trust-edit-bites-hours-later
//go:embed max-lowered-old-value-unknown chained-apply-outlives-hour nothing-fits-busy write-only-trail
var Examples embed.FS
