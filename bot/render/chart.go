package render

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"strconv"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
)

// The picture is drawn at twice the width at which Slack shows it, with letters that
// can still be read at a quarter: 360 pixels in a narrow window.
const (
	chartWidth  = 1400 * vg.Inch / chartDPI
	chartHeight = 860 * vg.Inch / chartDPI
	chartDPI    = 144
	letters     = 15 // points: 30 pixels

	headroom = 1.5 // above the bars, for the legend and the word at the onset
)

// Colours that people with colour blindness tell apart, on white.
var (
	ink       = color.NRGBA{0x1d, 0x1c, 0x1d, 0xff}
	faint     = color.NRGBA{0xdd, 0xdd, 0xdd, 0xff}
	late      = color.NRGBA{0xf0, 0xf0, 0xf0, 0xff}
	trailFill = color.NRGBA{0x00, 0x5a, 0x9c, 0xff}
	logsFill  = color.NRGBA{0xe0, 0x7b, 0x00, 0xff}
	endsInk   = color.NRGBA{0x00, 0x7a, 0x5a, 0xff}
	changeInk = color.NRGBA{0x8a, 0x1c, 0x7c, 0xff}
	onsetInk  = color.NRGBA{0xb0, 0x00, 0x20, 0xff}
)

func face(size font.Length) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
}

func newPlot() *plot.Plot {
	p := plot.New()
	p.Title.TextStyle.Font = face(letters + 2)
	p.Title.Padding = vg.Points(4)
	p.Legend.TextStyle.Font = face(letters)
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.TextStyle.Font = face(letters)
		a.Tick.Label.Font = face(letters)
		a.Padding = 0
	}
	return p
}

// draw lays two plots over one time axis: bars above, marks below.
func (c course) draw(title string) ([]byte, error) {
	from, to := float64(c.window.From.Unix()), float64(c.window.To.Unix())
	bars, marks := newPlot(), newPlot()
	for _, p := range []*plot.Plot{bars, marks} {
		p.X.Min, p.X.Max = from, to
		p.X.Tick.Marker = hoursOf(c.window)
		p.Add(lateness(c.window))
	}

	bars.Title.Text = title
	bars.Y.Label.Text = "failures per " + wording.Span(c.width)
	bars.Y.Min, bars.Y.Max = 0, 1
	for i := range c.trail {
		bars.Y.Max = max(bars.Y.Max, float64(max(c.trail[i], c.logs[i])))
	}
	bars.Y.Tick.Marker = wholeNumbers{}
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = nil, faint
	trailBars, logBars := columns{c, c.trail, 0, 1, trailFill}, columns{c, c.logs, 0, 1, logsFill}
	if total(c.trail) > 0 && total(c.logs) > 0 { // side by side: a refused call is often a log line too
		trailBars.of, logBars.of, logBars.slot = 2, 2, 1
	}
	bars.Add(grid, trailBars, logBars)
	if !c.onset.IsZero() {
		bars.Add(moment{at: c.onset, label: "began " + c.onset.UTC().Format("15:04"), window: c.window})
	}
	bars.Legend.Top, bars.Legend.Left = true, true
	bars.Legend.ThumbnailWidth = vg.Points(18)
	bars.Legend.Padding = vg.Points(3)
	bars.Legend.XOffs = vg.Points(6)
	bars.Legend.Add(c.legend("failed STS calls (CloudTrail)", c.sawTrail, total(c.trail)), trailBars)
	words := "application log lines"
	if c.sampled {
		words += ", some of them"
	}
	bars.Legend.Add(c.legend(words, c.sawLogs, total(c.logs)), logBars)
	bars.X.Tick.Label.Color = color.Transparent
	bars.Y.Max *= headroom

	marks.Y.Min, marks.Y.Max = 0.4, 2.6
	marks.X.Label.Text = "UTC; grey: the newest 15 min, not all in yet"
	marks.Y.Tick.Marker = plot.ConstantTicks{{Value: 2, Label: "role changes"}, {Value: 1, Label: "session ends"}}
	marks.Add(ticks{c.ends, 1, endsInk}, diamonds{c.changes, 2, changeInk})
	if !c.onset.IsZero() {
		marks.Add(moment{at: c.onset, window: c.window})
	}
	for _, row := range []struct {
		y    float64
		n    int
		saw  bool
		none string
	}{{2, len(c.changes), c.sawChanges, "none in the window"}, {1, len(c.ends), c.sawSessions, "none seen"}} {
		if !row.saw {
			row.none = "could not be seen"
		}
		if row.n == 0 {
			marks.Add(remark{row.none, row.y, c.onset})
		}
	}

	img := vgimg.NewWith(vgimg.UseWH(chartWidth, chartHeight), vgimg.UseDPI(chartDPI), vgimg.UseBackgroundColor(color.White))
	canvas := draw.Crop(draw.New(img), vg.Points(8), -vg.Points(22), vg.Points(6), -vg.Points(8))
	share := (canvas.Max.Y - canvas.Min.Y) * 0.30
	above, below := canvas, canvas
	above.Min.Y += share
	below.Max.Y = below.Min.Y + share
	alignLeft(bars, marks, &above, &below)
	bars.Draw(above)
	marks.Draw(below)
	var b bytes.Buffer
	if _, err := (vgimg.PngCanvas{Canvas: img}).WriteTo(&b); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func (c course) legend(what string, saw bool, n int) string {
	if !saw {
		return what + ": could not be seen in full"
	}
	return fmt.Sprintf("%s: %d", what, n)
}

// alignLeft gives both plots the same left edge, whatever their labels' widths.
func alignLeft(a, b *plot.Plot, ca, cb *draw.Canvas) {
	da, db := a.DataCanvas(*ca), b.DataCanvas(*cb)
	if d := da.Min.X - db.Min.X; d > 0 {
		cb.Min.X += d
	} else {
		ca.Min.X -= d
	}
	da, db = a.DataCanvas(*ca), b.DataCanvas(*cb)
	if d := da.Max.X - db.Max.X; d > 0 {
		ca.Max.X -= d
	} else {
		cb.Max.X += d
	}
}

// columns are bars of time; two kinds of them stand side by side.
type columns struct {
	c        course
	n        []int
	slot, of int // its share of a bar's width
	fill     color.Color
}

func (b columns) Plot(canvas draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&canvas)
	for i, n := range b.n {
		if n == 0 {
			continue
		}
		share := b.c.width / time.Duration(b.of)
		from := b.c.window.From.Add(time.Duration(i)*b.c.width + time.Duration(b.slot)*share)
		left, right := x(float64(from.Unix())), min(x(float64(from.Add(share).Unix())), canvas.Max.X)
		canvas.FillPolygon(b.fill, box(left, max(right-vg.Points(0.5), left+vg.Points(1)), y(0), y(float64(n))))
	}
}

// Thumbnail is the legend's sample of the bar.
func (b columns) Thumbnail(canvas *draw.Canvas) {
	canvas.FillPolygon(b.fill, box(canvas.Min.X, canvas.Max.X, canvas.Min.Y, canvas.Max.Y))
}

func box(left, right, bottom, top vg.Length) []vg.Point {
	return []vg.Point{{X: left, Y: bottom}, {X: right, Y: bottom}, {X: right, Y: top}, {X: left, Y: top}}
}

// lateness shades the newest stretch, in which CloudTrail is never complete.
type lateness playbook.Window

func (w lateness) Plot(canvas draw.Canvas, p *plot.Plot) {
	x, _ := p.Transforms(&canvas)
	from := w.To.Add(-playbook.DeliveryLag)
	if from.Before(w.From) {
		from = w.From
	}
	canvas.FillPolygon(late, box(x(float64(from.Unix())), x(float64(w.To.Unix())), canvas.Min.Y, canvas.Max.Y))
}

// moment is a dashed line from top to bottom with a word at it.
type moment struct {
	at     time.Time
	label  string
	window playbook.Window
}

func (m moment) Plot(canvas draw.Canvas, p *plot.Plot) {
	x, _ := p.Transforms(&canvas)
	style := draw.LineStyle{Color: onsetInk, Width: vg.Points(2), Dashes: []vg.Length{vg.Points(6), vg.Points(4)}}
	at := x(float64(m.at.Unix()))
	top := canvas.Max.Y
	if m.label != "" {
		top -= vg.Points(3.4 * letters) // below the legend
	}
	canvas.StrokeLine2(style, at, canvas.Min.Y, at, top)
	if m.label == "" {
		return
	}
	words := draw.TextStyle{Color: onsetInk, Font: face(letters), Handler: plot.DefaultTextHandler, XAlign: draw.XLeft, YAlign: draw.YTop}
	gap := vg.Points(4)
	if at > canvas.Min.X+(canvas.Max.X-canvas.Min.X)*0.75 {
		words.XAlign, gap = draw.XRight, -gap
	}
	canvas.FillText(words, vg.Point{X: at + gap, Y: top}, m.label)
}

// ticks are short strokes in a row.
type ticks struct {
	at  []time.Time
	y   float64
	ink color.Color
}

func (t ticks) Plot(canvas draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&canvas)
	for _, m := range t.at {
		at := x(float64(m.Unix()))
		canvas.StrokeLine2(draw.LineStyle{Color: t.ink, Width: vg.Points(1.5)}, at, y(t.y-0.35), at, y(t.y+0.35))
	}
}

// diamonds are marks in a row.
type diamonds struct {
	at  []time.Time
	y   float64
	ink color.Color
}

func (d diamonds) Plot(canvas draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&canvas)
	r := vg.Points(7)
	for _, m := range d.at {
		at, mid := x(float64(m.Unix())), y(d.y)
		canvas.FillPolygon(d.ink, []vg.Point{{X: at - r, Y: mid}, {X: at, Y: mid - r}, {X: at + r, Y: mid}, {X: at, Y: mid + r}})
	}
}

// remark says in an empty row why it is empty.
type remark struct {
	words string
	y     float64
	clear time.Time // a line stands here; zero: none
}

func (r remark) Plot(canvas draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&canvas)
	style := draw.TextStyle{Color: ink, Font: face(letters), Handler: plot.DefaultTextHandler, XAlign: draw.XLeft, YAlign: draw.YCenter}
	left := canvas.Min.X + vg.Points(8)
	if line := x(float64(r.clear.Unix())); !r.clear.IsZero() && line < canvas.Min.X+(canvas.Max.X-canvas.Min.X)/2 {
		left = line + vg.Points(8)
	}
	canvas.FillText(style, vg.Point{X: left, Y: y(r.y)}, r.words)
}

// hoursOf labels a time axis: about six labels at whole hours, the date with the
// first of a day.
func hoursOf(w playbook.Window) plot.ConstantTicks {
	step := 24 * time.Hour
	for _, s := range []time.Duration{10 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 6 * time.Hour, 12 * time.Hour} {
		if w.Length() <= 6*s {
			step = s
			break
		}
	}
	var out plot.ConstantTicks
	day := ""
	for t := w.From.UTC().Truncate(step); !t.After(w.To) && len(out) < 20; t = t.Add(step) {
		if t.Before(w.From) {
			continue
		}
		label := t.Format("15:04")
		if d := t.Format("2 Jan"); d != day {
			day = d
			label = d + " " + label
			if step >= 24*time.Hour {
				label = d
			}
		}
		out = append(out, plot.Tick{Value: float64(t.Unix()), Label: label})
	}
	return out
}

// wholeNumbers are at most five ticks from nought on.
type wholeNumbers struct{}

func (wholeNumbers) Ticks(_, most float64) []plot.Tick {
	most /= headroom
	step := math.Pow(10, math.Floor(math.Log10(max(most, 1))))
	for _, f := range []float64{0.2, 0.5, 1, 2, 5} {
		if s := max(1, math.Round(step*f)); most/s <= 5 {
			step = s
			break
		}
	}
	var out []plot.Tick
	for v := 0.0; v <= most+0.001 && len(out) < 8; v += step {
		out = append(out, plot.Tick{Value: v, Label: strconv.Itoa(int(v))})
	}
	return out
}
