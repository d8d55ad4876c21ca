package handlers

import (
	"context"
	"time"
)

// lookAgainAfter is how late CloudTrail may be in ordinary operation.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html
const lookAgainAfter = 15 * time.Minute

// lookAgain runs the investigation again once CloudTrail has caught up.
func (d *Desk) lookAgain(ctx context.Context, c Click) Reply {
	return d.press(ctx, c, lookAgainAfter)
}
