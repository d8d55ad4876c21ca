package main

// An asset is compiled in and is not program text: data with an origin, and mostly
// with terms, of its own.
type asset struct {
	name    string
	module  string // whose packages hold it; ourselves, or stdlib
	licence string // SPDX, or words where SPDX has no name
	source  string // where it comes from
	about   string
	texts   []string // its licence, relative to the module's root, where readLicences doesn't find it
}

// assets are listed by hand: nothing marks them in the sources. A module that
// embeds files and is neither here nor in ownFiles fails the test.
var assets = []asset{
	{name: "Liberation fonts", module: "codeberg.org/go-fonts/liberation", licence: "OFL-1.1",
		source: "https://github.com/liberationfonts/liberation-fonts", about: "the letters in charts"},
	{name: "Go fonts", module: "golang.org/x/image", licence: "BSD-3-Clause", texts: []string{"font/gofont/ttfs/README"},
		source: "https://go.dev/blog/go-fonts", about: "come with the drawing of formulas in charts; unused"},
	{name: "Certificates of public authorities", module: "golang.org/x/crypto/x509roots/fallback", licence: "MPL-2.0",
		source: "https://hg.mozilla.org/projects/nss/raw-file/tip/lib/ckfw/builtins/certdata.txt",
		about:  "those that Mozilla trusts, taken from NSS's certdata.txt; used where the system has none. The link is the source that the licence wants to be had"},
	{name: "Time zone database", module: "stdlib", licence: "public domain",
		source: "https://www.iana.org/time-zones", about: "time/tzdata; used where the system has none"},
	{name: "Unicode tables", module: "stdlib", licence: "Unicode-3.0",
		source: "https://www.unicode.org/license.txt", about: "Go's package unicode; golang.org/x/text, uax29 and go-runewidth hold tables made from the same data"},
	{name: "JSON Schema's own schemas", module: "github.com/santhosh-tekuri/jsonschema/v6", licence: "BSD-3-Clause",
		source: "https://github.com/json-schema-org/json-schema-spec", about: "to read the schema of Block Kit in the Slack emulator (offered under the AFL 3.0 too)"},
	{name: "slack-to-html", module: ourselves, licence: "MIT", texts: []string{"internal/slackemu/page/static/vendor/slack-to-html.LICENSE"},
		source: "https://www.npmjs.com/package/slack-to-html", about: "shows mrkdwn in the Slack emulator's page"},
	{name: "Block Kit as a JSON Schema", module: ourselves, licence: "MIT", texts: []string{"internal/slackemu/schema/LICENSE"},
		source: "https://www.npmjs.com/package/@slack/types", about: "made from @slack/types; the Slack emulator checks messages with it"},
}

// ownFiles are modules that embed files of their own making, under their own licence.
var ownFiles = map[string]string{
	"codeberg.org/go-pdf/fpdf":   "widths of the letters of PDF's standard fonts, code pages",
	"gonum.org/v1/plot":          "a code page",
	"google.golang.org/protobuf": "defaults of the protobuf editions",
}

// purposes are what the modules that our code imports are for, one sentence each.
// One that is missing here fails the test.
var purposes = map[string]string{
	// In the binary.
	"github.com/alecthomas/kong":                                      "Command line, environment and configuration file with the same names.",
	"github.com/alicebob/miniredis/v2":                                "The Redis in the process, for the demo and where no Redis is given.",
	"github.com/aws/aws-sdk-go-v2":                                    "AWS: signing, retries, endpoints.",
	"github.com/aws/aws-sdk-go-v2/config":                             "AWS: the credentials and region of where it runs.",
	"github.com/aws/aws-sdk-go-v2/credentials":                        "AWS: taking on a member account's role.",
	"github.com/aws/aws-sdk-go-v2/service/account":                    "AWS: which regions are on.",
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail":                 "AWS: trails and the event history.",
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch":                 "AWS: metrics and alarms.",
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs":             "AWS: log groups and Logs Insights.",
	"github.com/aws/aws-sdk-go-v2/service/health":                     "AWS: events of the Health API.",
	"github.com/aws/aws-sdk-go-v2/service/iam":                        "AWS: roles, policies, identity providers.",
	"github.com/aws/aws-sdk-go-v2/service/sts":                        "AWS: who the bot is, and member accounts' sessions.",
	"github.com/aws/smithy-go":                                        "AWS: the errors that calls answer with.",
	"github.com/go-json-experiment/json":                              "Reading CloudTrail records token by token, with limits.",
	"github.com/goccy/go-yaml":                                        "The configuration file and a capture's YAML, with line numbers in errors.",
	"github.com/google/uuid":                                          "Request ids of the AWS emulator.",
	"github.com/gorilla/websocket":                                    "The Slack emulator's end of Socket Mode.",
	"github.com/hibiken/asynq":                                        "The queue of investigations in Redis.",
	"github.com/klauspost/compress":                                   "Unpacking CloudTrail files fast.",
	"github.com/prometheus/client_golang":                             "Metrics.",
	"github.com/redis/go-redis/v9":                                    "Redis, Sentinel and Cluster.",
	"github.com/santhosh-tekuri/jsonschema/v6":                        "The Slack emulator refuses what Slack would refuse.",
	"github.com/slack-go/slack":                                       "Slack's Web API and Socket Mode.",
	"github.com/vbauerster/mpb/v8":                                    "Progress of the nine steps in a terminal.",
	"go.opentelemetry.io/otel":                                        "What a trace says of a step or a call.",
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp": "Sends traces, where an endpoint is set.",
	"go.opentelemetry.io/otel/sdk":                                    "Makes traces, where an endpoint is set.",
	"go.opentelemetry.io/otel/trace":                                  "Begins and ends what a trace is made of.",
	"golang.org/x/crypto/x509roots/fallback":                          "Certificates for an image without any.",
	"golang.org/x/sync":                                               "Groups of goroutines that end together.",
	"golang.org/x/term":                                               "Whether the output is a terminal, and how wide.",
	"golang.org/x/text":                                               "Reading the public status feed, which is UTF-16.",
	"golang.org/x/time":                                               "AWS's rate limits.",
	"gonum.org/v1/plot":                                               "Charts as pictures.",

	// In tests and tools.
	"github.com/CycloneDX/cyclonedx-go": "Writes the bill of materials.",
	"github.com/anishathalye/porcupine": "Checks the store's histories for linearizability.",
	"github.com/chromedp/cdproto":       "The browser's protocol.",
	"github.com/chromedp/chromedp":      "Clicks through the demo in a browser.",
	"github.com/google/go-cmp":          "Shows what differs.",
	"github.com/google/licensecheck":    "Recognises the licences on this page.",
	"pgregory.net/rapid":                "Properties tried on made-up input.",
}
