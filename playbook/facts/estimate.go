package facts

import (
	"fmt"

	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
)

// The price of scanning with Logs Insights; other regions differ.
// https://aws.amazon.com/cloudwatch/pricing/
const (
	dollarsPerGB = 0.005
	priceFrom    = "https://aws.amazon.com/cloudwatch/pricing/"
	gigabyte     = 1 << 30
)

// Estimate is what reading a further stretch will take, judged by what the first
// run scanned.
type Estimate struct {
	Window playbook.Window `json:"window"` // the longer one
	Bytes  int64           `json:"bytes"`
	Cost   float64         `json:"cost_usd"` // at Logs Insights' price in us-east-1
	Price  string          `json:"price"`    // where the price is from
	Words  string          `json:"words"`    // at most 300 characters: a button's question takes no more
}

// EstimateOf says what the next longer window will scan and cost; false where the
// window is as long as can be.
func EstimateOf(first playbook.Report) (Estimate, bool) {
	was, to := first.Request.Window, playbook.NextWindow(first.Request.Window.Length())
	if to == 0 {
		return Estimate{}, false
	}
	e := Estimate{Window: playbook.Window{From: was.To.Add(-to), To: was.To}, Price: priceFrom}
	scanned, more := first.Cost().BytesScanned, to-was.Length()
	e.Words = "Reads the " + wording.Window(more) + " before the window and judges again. "
	if scanned == 0 || was.Length() <= 0 {
		e.Words += "The first run's log queries scanned nothing, so this is expected to cost nothing."
		return e, true
	}
	e.Bytes = int64(float64(scanned) * float64(more) / float64(was.Length()))
	e.Cost = float64(e.Bytes) / gigabyte * dollarsPerGB
	e.Words += fmt.Sprintf("Log queries will scan about %s, which is %s at $%.3f a GB in us-east-1 (%s), judged by the %s of the first %s.",
		wording.Bytes(e.Bytes), wording.Dollars(e.Cost), dollarsPerGB, priceFrom, wording.Bytes(scanned), wording.Window(was.Length()))
	return e, true
}
