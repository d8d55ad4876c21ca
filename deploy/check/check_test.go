package check

import (
	"testing"

	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
)

var _ = rulefmt.ParseFile
var _ = parser.NewParser
var _ = loader.Load
var _ = engine.Render
var _ = lint.AllWithKubeVersion

func TestX(t *testing.T) {}
