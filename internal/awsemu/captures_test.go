package awsemu

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/stsleuth/stsleuth/internal/capture"
)

// Nothing of a capture may be lost on the way to a client that follows every page.
func TestExampleCapturesComeBackWhole(t *testing.T) {
	const examples = "../../../shared/captures"
	if _, err := os.Stat(examples); err != nil {
		t.Skip("no example captures beside the repository")
	}
	for _, dir := range must(capture.FindAll(examples))(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			c := must(capture.Load(t.Context(), dir, capture.Options{}))(t)
			defer c.Close()
			c.Faults = capture.Faults{}
			s := New(c, Options{QueryDuration: -1})
			defer s.Close()

			roles := 0
			for p := iam.NewListRolesPaginator(iam.NewFromConfig(s.once("us-east-1")), &iam.ListRolesInput{}); p.HasMorePages(); {
				roles += len(must(p.NextPage(t.Context()))(t).Roles)
			}
			if roles != len(c.IAM.Roles) {
				t.Errorf("%d roles of %d", roles, len(c.IAM.Roles))
			}
			regions, distinct := map[string]bool{}, 0
			for i := range c.Records.Len() {
				e := c.Records.At(i)
				regions[e.Region] = true
				if !e.Again {
					distinct++
				}
			}
			events := 0
			for region := range regions {
				ids, _ := lookUp(t, cloudtrail.NewFromConfig(s.once(region)), &cloudtrail.LookupEventsInput{})
				events += len(ids)
			}
			if events != distinct || distinct == 0 {
				t.Errorf("the event history has %d of %d records", events, distinct)
			}
			for _, g := range newIncident(c).groups {
				want := len(g.Events)
				if len(g.trails) > 0 {
					want = c.Records.Len()
				}
				in := &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String(g.Name)}
				if got := len(filteredIn(t, s, g.Region, in)); got != want {
					t.Errorf("%s has %d of %d events", g.Name, got, want)
				}
			}
			for _, u := range s.Unexpected() {
				t.Error(u)
			}
		})
	}
}
