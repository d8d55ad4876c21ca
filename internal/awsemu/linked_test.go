package awsemu

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
)

// Account 999988887777 shares two of its three groups of a name that the asked account has too, and the organization's
// trail writes to a fourth.
var linked = files{
	"logs/logs.yaml": `
groups:
  - {name: /prod/app, region: eu-west-1, events: own.jsonl}
  - {name: /prod/app, region: eu-west-1, account: "999988887777", linked: true, events: theirs.jsonl}
  - {name: /prod/private, region: eu-west-1, account: "999988887777", events: theirs.jsonl}
  - {name: /prod/app, region: us-east-1, account: "999988887777", linked: true, events: theirs.jsonl}
  - {name: org-trail, region: eu-west-1, account: "999988887777", linked: true, class: INFREQUENT_ACCESS, created: 2026-01-01T00:00:00Z}
`,
	"logs/own.jsonl":         `{"timestamp": "2026-10-14T14:00:00Z", "stream": "s", "message": "own line"}`,
	"logs/theirs.jsonl":      `{"timestamp": "2026-10-14T14:00:01Z", "stream": "s", "message": "their line"}`,
	"cloudtrail/a.jsonl":     lines(assumed("e1", "2026-10-14T10:00:00Z", "eu-west-1", "")),
	"cloudtrail/trails.json": strings.Replace(orgTrail(`"Status":{"IsLogging":true}`), "logs:eu-west-1:111122223333:log-group:trail-logs", "logs:eu-west-1:999988887777:log-group:org-trail", 1),
}

const (
	theirARN  = "arn:aws:logs:eu-west-1:999988887777:log-group:"
	ownAppARN = "arn:aws:logs:eu-west-1:111122223333:log-group:/prod/app"
)

// replaced is the capture with a word of a file changed.
func (fs files) replaced(path, from, to string) files {
	out := maps.Clone(fs)
	out[path] = strings.ReplaceAll(out[path], from, to)
	return out
}

func TestLinkedGroupsAreShownWhereTheyAreAskedFor(t *testing.T) {
	alone := linked.replaced("logs/logs.yaml", "linked: true", "linked: false")
	for _, tt := range []struct {
		name   string
		files  files
		region string
		in     cloudwatchlogs.DescribeLogGroupsInput
		want   string // owner:name, or an error code
	}{
		{"not unless asked for", linked, "eu-west-1", cloudwatchlogs.DescribeLogGroupsInput{}, "111122223333:/prod/app"},
		{"with linked accounts, without what is not shared", linked, "eu-west-1", cloudwatchlogs.DescribeLogGroupsInput{IncludeLinkedAccounts: aws.Bool(true)},
			"111122223333:/prod/app 999988887777:/prod/app 999988887777:org-trail"},
		{"links are of a region", linked, "us-east-1", cloudwatchlogs.DescribeLogGroupsInput{IncludeLinkedAccounts: aws.Bool(true)}, "999988887777:/prod/app"},
		{"of one account", linked, "eu-west-1", cloudwatchlogs.DescribeLogGroupsInput{IncludeLinkedAccounts: aws.Bool(true), AccountIdentifiers: []string{"999988887777"}, LogGroupNamePrefix: aws.String("/prod")},
			"999988887777:/prod/app"},
		{"more accounts than AWS takes", linked, "eu-west-1", cloudwatchlogs.DescribeLogGroupsInput{IncludeLinkedAccounts: aws.Bool(true), AccountIdentifiers: slices.Repeat([]string{"999988887777"}, 21)}, "InvalidParameterException"},
		{"by ARN", linked, "eu-west-1", cloudwatchlogs.DescribeLogGroupsInput{IncludeLinkedAccounts: aws.Bool(true), LogGroupIdentifiers: []string{theirARN + "org-trail", theirARN + "/prod/private"}}, "999988887777:org-trail"},
		{"a name is the own account's", linked, "eu-west-1", cloudwatchlogs.DescribeLogGroupsInput{IncludeLinkedAccounts: aws.Bool(true), LogGroupIdentifiers: []string{"/prod/app"}}, "111122223333:/prod/app"},
		{"identifiers go with nothing else", linked, "eu-west-1", cloudwatchlogs.DescribeLogGroupsInput{LogGroupIdentifiers: []string{"/prod/app"}, LogGroupNamePrefix: aws.String("/")}, "InvalidParameterException"},
		{"an account that monitors none has its own", alone, "eu-west-1", cloudwatchlogs.DescribeLogGroupsInput{IncludeLinkedAccounts: aws.Bool(true)}, "111122223333:/prod/app"},
		{"and names no ARN", alone, "eu-west-1", cloudwatchlogs.DescribeLogGroupsInput{IncludeLinkedAccounts: aws.Bool(true), LogGroupIdentifiers: []string{theirARN + "org-trail"}}, "InvalidParameterException"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := cloudwatchlogs.NewFromConfig(tt.files.serve(t, Options{}).once(tt.region))
			var got []string
			for p := cloudwatchlogs.NewDescribeLogGroupsPaginator(c, &tt.in); p.HasMorePages(); {
				page, err := p.NextPage(t.Context())
				if err != nil {
					wantCode(t, err, tt.want)
					return
				}
				for _, g := range page.LogGroups {
					parts := strings.SplitN(strings.TrimSuffix(*g.Arn, ":*"), ":", 7)
					got = append(got, parts[4]+":"+*g.LogGroupName)
				}
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestLinkedGroupsAreReadByARNAlone(t *testing.T) {
	s := linked.serve(t, Options{QueryDuration: -1})
	c := cloudwatchlogs.NewFromConfig(s.once("eu-west-1"))
	query := func(ids ...string) (rows []string, err error) {
		started, err := c.StartQuery(t.Context(), &cloudwatchlogs.StartQueryInput{LogGroupIdentifiers: ids, QueryString: aws.String("fields @log, @message | sort @timestamp"),
			StartTime: aws.Int64(dayStart.Unix()), EndTime: aws.Int64(dayEnd.Unix())})
		if err != nil {
			return nil, err
		}
		for {
			out := must(c.GetQueryResults(t.Context(), &cloudwatchlogs.GetQueryResultsInput{QueryId: started.QueryId}))(t)
			if out.Status != "Complete" {
				continue
			}
			for _, row := range out.Results {
				rows = append(rows, fmt.Sprintf("%s %.10s", *row[0].Value, *row[1].Value))
			}
			return rows, nil
		}
	}
	rows, err := query("/prod/app", theirARN+"/prod/app", theirARN+"org-trail")
	if want := []string{`999988887777:org-trail {"eventVer`, "111122223333:/prod/app own line", "999988887777:/prod/app their line"}; err != nil || !slices.Equal(rows, want) {
		t.Errorf("one query over two accounts gives %q (%v), want %q", rows, err, want)
	}
	for id, code := range map[string]string{theirARN + "/prod/private": "AccessDeniedException", "/prod/private": "ResourceNotFoundException", "arn:aws:logs:us-east-1:999988887777:log-group:/prod/app": "ResourceNotFoundException"} {
		_, err := query(id)
		wantCode(t, err, code)
		_, err = c.FilterLogEvents(t.Context(), &cloudwatchlogs.FilterLogEventsInput{LogGroupIdentifier: &id})
		wantCode(t, err, code)
	}
	if got := filtered(t, s, &cloudwatchlogs.FilterLogEventsInput{LogGroupIdentifier: aws.String(theirARN + "/prod/app")}); len(got) != 1 || *got[0].Message != "their line" {
		t.Errorf("by ARN: %+v", got)
	}
	if got := filtered(t, s, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("/prod/app")}); len(got) != 1 || *got[0].Message != "own line" {
		t.Errorf("by name: %+v", got)
	}
}

// A policy for the own account's groups does not reach a linked account's.
func TestAPolicyNamesLinkedGroupsByTheirOwnARN(t *testing.T) {
	for resource, want := range map[string]string{"arn:aws:logs:*:111122223333:log-group:*": "AccessDeniedException", "arn:aws:logs:*:*:log-group:*": ""} {
		p := must(ParsePolicy([]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"logs:FilterLogEvents","Resource":"` + resource + `"}]}`)))(t)
		c := cloudwatchlogs.NewFromConfig(linked.serve(t, Options{Policy: p}).once("eu-west-1"))
		for id, code := range map[string]string{ownAppARN: "", theirARN + "/prod/app": want} {
			switch _, err := c.FilterLogEvents(t.Context(), &cloudwatchlogs.FilterLogEventsInput{LogGroupIdentifier: &id}); {
			case code != "":
				wantCode(t, err, code)
			case err != nil:
				t.Errorf("%s under %s: %v", id, resource, err)
			}
		}
	}
}

// Who is in the owner's account sees all its groups as its own.
func TestTheOwnersAccountSeesItsGroups(t *testing.T) {
	s := linked.serve(t, Options{})
	in := s.incident.Load().as("999988887777")
	var got []string
	for _, g := range in.groups {
		got = append(got, g.Region+" "+g.owner+":"+g.Name)
	}
	want := "eu-west-1 999988887777:/prod/app eu-west-1 999988887777:/prod/private eu-west-1 999988887777:org-trail us-east-1 999988887777:/prod/app"
	if strings.Join(got, " ") != want {
		t.Errorf("got %q, want %s", got, want)
	}
	if g := groupIn(in.groups, "999988887777", "eu-west-1", "org-trail"); g == nil || len(g.trails) != 1 || g.Class != "INFREQUENT_ACCESS" {
		t.Errorf("the trail's group is %+v", g)
	}
}
