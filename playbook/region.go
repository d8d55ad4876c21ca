package playbook

import (
	"slices"
	"strings"
)

// region is what an investigation must know about an AWS region.
type region struct {
	name      string
	partition string
	optIn     bool // must be enabled by the account; a version 1 global STS token is refused there
}

// regions is the allow-list of what a person may ask for.
// https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html
var regions = []region{
	{"us-east-1", "aws", false}, {"us-east-2", "aws", false}, {"us-west-1", "aws", false}, {"us-west-2", "aws", false},
	{"ca-central-1", "aws", false}, {"sa-east-1", "aws", false},
	{"eu-central-1", "aws", false}, {"eu-west-1", "aws", false}, {"eu-west-2", "aws", false}, {"eu-west-3", "aws", false}, {"eu-north-1", "aws", false},
	{"ap-south-1", "aws", false}, {"ap-northeast-1", "aws", false}, {"ap-northeast-2", "aws", false}, {"ap-northeast-3", "aws", false},
	{"ap-southeast-1", "aws", false}, {"ap-southeast-2", "aws", false},
	{"af-south-1", "aws", true}, {"ap-east-1", "aws", true}, {"ap-east-2", "aws", true}, {"ap-south-2", "aws", true},
	{"ap-southeast-3", "aws", true}, {"ap-southeast-4", "aws", true}, {"ap-southeast-5", "aws", true}, {"ap-southeast-6", "aws", true}, {"ap-southeast-7", "aws", true},
	{"ca-west-1", "aws", true}, {"eu-central-2", "aws", true}, {"eu-south-1", "aws", true}, {"eu-south-2", "aws", true},
	{"il-central-1", "aws", true}, {"me-central-1", "aws", true}, {"me-south-1", "aws", true}, {"mx-central-1", "aws", true},
	{"cn-north-1", "aws-cn", false}, {"cn-northwest-1", "aws-cn", false},
	{"us-gov-east-1", "aws-us-gov", false}, {"us-gov-west-1", "aws-us-gov", false},
}

func findRegion(name string) (region, bool) {
	i := slices.IndexFunc(regions, func(r region) bool { return r.name == name })
	if i < 0 {
		return region{}, false
	}
	return regions[i], true
}

// ParseRegion checks a region against the allow-list. The error is an
// *InputError that names the nearest region there is.
func ParseRegion(s string) (string, error) {
	name := strings.ToLower(strings.TrimSpace(s))
	if _, ok := findRegion(name); ok {
		return name, nil
	}
	if name == "" {
		return "", &InputError{What: "region", Problem: "No region was given.", Hint: "For example eu-west-1."}
	}
	shown := name
	if len(shown) > 30 || strings.ContainsFunc(shown, func(r rune) bool { return !(r == '-' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9') }) {
		shown = ""
	}
	problem := "That is not an AWS region."
	if shown != "" {
		problem = shown + " is not an AWS region."
	}
	hint := "For example eu-west-1."
	if near := NearestRegion(name); EditDistance(name, near) <= slip {
		hint = "Did you mean " + near + "?"
	}
	return "", &InputError{What: "region", Problem: problem, Hint: hint}
}

// NearestRegion is the region whose name takes the fewest edits to reach.
func NearestRegion(s string) string {
	if len(s) > 64 {
		s = s[:64]
	}
	best, least := "", 1<<30
	for _, r := range regions {
		if d := EditDistance(strings.ToLower(s), r.name); d < least {
			best, least = r.name, d
		}
	}
	return best
}

// Regions lists every region of a partition, for forms and completion.
func Regions(partition string) []string {
	var out []string
	for _, r := range regions {
		if partition == "" || r.partition == partition {
			out = append(out, r.name)
		}
	}
	return out
}

// Partition is the AWS partition a region belongs to; "" for an unknown region.
func Partition(regionName string) string {
	r, _ := findRegion(regionName)
	return r.partition
}

// OptIn reports whether a region is off until the account enables it.
func OptIn(regionName string) bool {
	r, _ := findRegion(regionName)
	return r.optIn
}

// GlobalRegion is where a partition's IAM and global-endpoint STS calls are
// recorded by CloudTrail.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-concepts.html
func GlobalRegion(partition string) string {
	switch partition {
	case "aws-cn":
		return "cn-north-1"
	case "aws-us-gov":
		return "us-gov-west-1"
	}
	return "us-east-1"
}

// TrailRegions are the regions in which traces of a role used in `region` can
// be: the region itself, and the one that records the partition's global calls.
func (t Target) TrailRegions() []string {
	global := GlobalRegion(t.Partition)
	if t.Region == global {
		return []string{global}
	}
	return []string{t.Region, global}
}

// slip is how many letters a mistyped name is away at most; what is further was
// no slip of the pen, and a guess would mislead.
const slip = 3

// EditDistance counts the single-letter edits between two names (Levenshtein).
func EditDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		last := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := last
			if a[i-1] != b[j-1] {
				cost++
			}
			last, row[j] = row[j], min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
