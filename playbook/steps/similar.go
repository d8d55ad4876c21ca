package steps

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
)

const (
	// rolesCompared bounds how many of the account's roles a misspelt name is
	// compared with; an account has 1,000 unless its quota was raised.
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
	rolesCompared = 5000
	// similarKept is how many names are worth a person's eye.
	similarKept = 3
)

// similarRoles lists role names close to one that does not exist, closest first.
func (r run) similarRoles(ctx context.Context, name, region string) answer[[]string] {
	compared := 0
	c := call{Action: "iam:ListRoles", Region: region, Args: []string{"--query", "Roles[].RoleName"}, Console: console(region, "iam", "/roles")}
	a := ask(ctx, c, func(ctx context.Context) ([]string, error) {
		type near struct {
			name     string
			distance int
		}
		var found []near
		pages := iam.NewListRolesPaginator(r.IAM, &iam.ListRolesInput{MaxItems: aws.Int32(1000)})
		for pages.HasMorePages() && compared < rolesCompared {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, err
			}
			compared += len(page.Roles)
			for _, role := range page.Roles {
				other := aws.ToString(role.RoleName)
				if d := playbook.EditDistance(strings.ToLower(name), strings.ToLower(other)); d <= max(2, len(name)/4) || len(name) >= 4 && strings.Contains(strings.ToLower(other), strings.ToLower(name)) {
					found = append(found, near{other, d})
				}
			}
		}
		slices.SortFunc(found, func(a, b near) int {
			return cmp.Or(cmp.Compare(a.distance, b.distance), strings.Compare(a.name, b.name))
		})
		var names []string
		for _, n := range found[:min(len(found), similarKept)] {
			names = append(names, n.name)
		}
		return names, nil
	})
	if a.Problem == nil {
		a.Proof.Result = fmt.Sprintf("%s compared, names that come close: %d", wording.Count(compared, "role", "roles"), len(a.Out))
	}
	return a
}
