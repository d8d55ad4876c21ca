package check

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"

	corev1 "k8s.io/api/core/v1"
)

const chartDir = "../helm/stsleuth"

// values are the chart's own ("") and every example's.
func values(t *testing.T) map[string]map[string]any {
	t.Helper()
	out := map[string]map[string]any{"defaults": {}}
	files, err := filepath.Glob("../helm/examples/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d examples, %v", len(files), err)
	}
	for _, f := range files {
		v, err := chartutil.ReadValuesFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(f)] = v
	}
	return out
}

// render gives the objects by kind. Every object of Kubernetes' own is decoded
// strictly into its Go type: a key that its API does not have is an error.
func render(t *testing.T, v map[string]any) map[string]map[string]any {
	t.Helper()
	chart, err := loader.Load(chartDir)
	if err != nil {
		t.Fatal(err)
	}
	full, err := chartutil.ToRenderValues(chart, v, chartutil.ReleaseOptions{Name: "stsleuth", Namespace: "ops", IsInstall: true}, chartutil.DefaultCapabilities)
	if err != nil {
		t.Fatal(err)
	}
	files, err := engine.Render(chart, full)
	if err != nil {
		t.Fatal(err)
	}
	strict := scheme.Codecs.UniversalDeserializer()
	out := map[string]map[string]any{}
	for name, text := range files {
		if strings.HasSuffix(name, ".txt") || strings.TrimSpace(text) == "" {
			continue
		}
		docs := yaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096)
		for {
			var object map[string]any
			if err := docs.Decode(&object); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v\n%s", name, err, text)
			}
			if object == nil {
				continue
			}
			u := unstructured.Unstructured{Object: object}
			out[u.GetKind()] = object
			if scheme.Scheme.Recognizes(u.GroupVersionKind()) {
				if _, _, err := strict.Decode(mustJSON(t, u), nil, nil); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				typed, err := scheme.Scheme.New(u.GroupVersionKind())
				if err != nil {
					t.Fatal(err)
				}
				if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object, typed, true); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			} else if u.GetKind() != "ServiceMonitor" {
				t.Errorf("%s: %s is unknown to Kubernetes", name, u.GroupVersionKind())
			}
		}
	}
	return out
}

func mustJSON(t *testing.T, u unstructured.Unstructured) []byte {
	t.Helper()
	b, err := u.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestChartPassesLint(t *testing.T) {
	for name, v := range values(t) {
		result := lint.All(chartDir, v, "ops", true)
		for _, m := range result.Messages {
			if m.Severity > support.InfoSev {
				t.Errorf("%s: %s", name, m)
			}
		}
	}
}

func TestChartRendersObjectsThatKubernetesTakes(t *testing.T) {
	for name, v := range values(t) {
		t.Run(name, func(t *testing.T) {
			objects := render(t, v)
			for _, kind := range []string{"Deployment", "ServiceAccount", "Service", "ConfigMap", "PodDisruptionBudget", "NetworkPolicy"} {
				if objects[kind] == nil {
					t.Errorf("no %s", kind)
				}
			}
			if objects["Secret"] != nil {
				t.Error("the chart makes a secret: it should only name one")
			}
			pod := podSpec(t, objects)
			c := pod.Containers[0]
			s := c.SecurityContext
			if s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || !slices.Contains(s.Capabilities.Drop, "ALL") ||
				pod.SecurityContext.RunAsNonRoot == nil || !*pod.SecurityContext.RunAsNonRoot {
				t.Errorf("the pod may more than it needs: %+v", s)
			}
			for _, p := range []*corev1.Probe{c.StartupProbe, c.LivenessProbe, c.ReadinessProbe} {
				if p == nil || p.HTTPGet == nil {
					t.Error("a probe is missing")
				}
			}
			if c.LivenessProbe.HTTPGet.Path == c.ReadinessProbe.HTTPGet.Path {
				t.Error("a bot that waits for Redis would be killed")
			}
			for _, e := range c.Env {
				secret := slices.Contains([]string{"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "REDIS_URL"}, e.Name)
				if secret && (e.ValueFrom == nil || e.ValueFrom.SecretKeyRef == nil) {
					t.Errorf("%s does not come from a secret", e.Name)
				}
			}
		})
	}
}

func podSpec(t *testing.T, objects map[string]map[string]any) corev1.PodSpec {
	t.Helper()
	spec, ok, err := unstructured.NestedMap(objects["Deployment"], "spec", "template", "spec")
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	var pod corev1.PodSpec
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(spec, &pod); err != nil {
		t.Fatal(err)
	}
	return pod
}

func TestExamplesDoWhatTheySay(t *testing.T) {
	all := values(t)
	irsa := render(t, all["irsa.yaml"])
	account := unstructured.Unstructured{Object: irsa["ServiceAccount"]}
	if !strings.HasPrefix(account.GetAnnotations()["eks.amazonaws.com/role-arn"], "arn:aws:iam::") {
		t.Errorf("IRSA: annotations %v", account.GetAnnotations())
	}
	if podSpec(t, irsa).ServiceAccountName != account.GetName() {
		t.Error("the pod runs as another account")
	}
	rules := func(o map[string]map[string]any) string {
		u := unstructured.Unstructured{Object: o["NetworkPolicy"]}
		return string(mustJSON(t, u))
	}
	if strings.Contains(rules(irsa), "169.254.170.23") || !strings.Contains(rules(render(t, all["pod-identity.yaml"])), "169.254.170.23") {
		t.Error("the way to Pod Identity's agent is open where it need not be, or closed where it must be")
	}
	many := render(t, all["forty-accounts.yaml"])
	if many["ServiceMonitor"] == nil {
		t.Error("no ServiceMonitor")
	}
	config, _, _ := unstructured.NestedString(many["ConfigMap"], "data", "config.yaml")
	for _, need := range []string{`external_id: '@/secrets/external-ids/production'`, "S0ONCALL"} {
		if !strings.Contains(strings.ReplaceAll(config, `"`, `'`), need) {
			t.Errorf("no %s in\n%s", need, config)
		}
	}
	mounted := slices.ContainsFunc(podSpec(t, many).Containers[0].VolumeMounts, func(m corev1.VolumeMount) bool { return m.MountPath == "/secrets/external-ids" })
	if !mounted {
		t.Error("the external ids are not mounted")
	}
	if one := render(t, map[string]any{"replicas": 1}); one["PodDisruptionBudget"] != nil {
		t.Error("one replica and a budget of one: no node could ever be drained")
	}
}

// A value that does not exist, or a secret among the values, is refused.
func TestValuesThatWouldDoNothingOrLeakAreRefused(t *testing.T) {
	chart, err := loader.Load(chartDir)
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]map[string]any{
		"a misspelled value":     {"replica": 3},
		"no replicas":            {"replicas": 0},
		"a token in the config":  {"config": map[string]any{"slack-bot-token": "xoxb-x"}},
		"a password in the URL":  {"config": map[string]any{"redis-url": "redis://:x@y"}},
		"a region that is none":  {"aws": map[string]any{"region": "Ireland"}},
		"a secret without a key": {"secrets": map[string]any{"redis": map[string]any{"name": "x", "urlKey": ""}}},
	} {
		if _, err := chartutil.ToRenderValues(chart, v, chartutil.ReleaseOptions{Name: "x"}, chartutil.DefaultCapabilities); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSpace(b)
}
