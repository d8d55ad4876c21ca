package steps

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

// A proof's command line is there to be pasted: the AWS CLI must take each, and
// get the answer that the step got.
func TestProofsRunInTheAWSCLI(t *testing.T) {
	if err := exec.Command("aws", "--version").Run(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the AWS CLI is needed here: %v", err)
		}
		t.Skipf("no AWS CLI: %v", err)
	}
	e := emulate(t, "payments-api", "me-south-1", map[string]string{
		"iam/roles.json":    rolesJSON("payments-api", "/", trustOIDC, `,"InlinePolicies":[`+revoke+`]`+attached+boundary),
		"iam/policies.json": policies, "iam/oidc-providers.json": oidcJSON(strings.Replace(oidcARN, "AAAA", "BBBB", 1), "x"), "iam/account-summary.json": tokenOne,
		"health.json": strings.ReplaceAll(stsTrouble, "eu-west-1", "me-south-1"), "cloudtrail/trails.json": trailJSON,
		"logs/logs.yaml": groupWith(`{ $.eventSource = "sts.amazonaws.com" && $.errorCode = "*" }`, ", dimensions: {role: $.requestParameters.roleArn}"),
		"metrics.json":   `{"Metrics":[{"Region":"eu-west-1","Namespace":"Ours","MetricName":"Errors","Dimensions":[{"Name":"role","Value":"` + roleA + `"}],"Unit":"Count","Datapoints":[{"Timestamp":"2026-06-01T11:30:00Z","Value":5}]}]}`})
	e.settle(t, playbook.STSErrors, playbook.Clear, facts.STSErrors{Trails: []facts.Trail{{Region: "eu-west-1", Source: fromTrailLogs, LogGroup: trailGroupARN}}})
	var proofs []playbook.Proof
	for _, id := range []playbook.StepID{playbook.RoleAndHealth, playbook.RoleConfig, playbook.STSMetrics, playbook.Federation} {
		proofs = append(proofs, e.run(t, id).Proof...)
	}

	server := httptest.NewServer(e.server)
	defer server.Close()
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "PYENV_VERSION=" + os.Getenv("PYENV_VERSION"),
		"AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY=example", "AWS_MAX_ATTEMPTS=1", "AWS_PAGER=", "AWS_EC2_METADATA_DISABLED=true"}
	tried := map[string]bool{}
	var all sync.WaitGroup
	for _, p := range proofs {
		if tried[p.CLI] {
			continue
		}
		tried[p.CLI] = true
		all.Go(func() {
			cmd := exec.Command("sh", "-c", p.CLI+" --endpoint-url "+server.URL)
			cmd.Env = env
			out, err := cmd.CombinedOutput()
			if refused := strings.HasPrefix(p.Result, "NoSuchEntity"); refused != (err != nil) || refused && !strings.Contains(string(out), p.Result) {
				t.Errorf("%s\nstep: %s\nCLI: %v %s", p.CLI, p.Result, err, out)
			}
		})
	}
	all.Wait()
	if len(tried) < 15 {
		t.Errorf("only %d command lines were tried", len(tried))
	}
}
