package render

import (
	"bytes"
	"fmt"
	"image/color"
	"time"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/stsleuth/stsleuth/internal/wording"
	"github.com/stsleuth/stsleuth/playbook"
	"github.com/stsleuth/stsleuth/playbook/facts"
)

// seriesInk tells up to facts.MaxSeries lines apart; shapes do it without colour.
var seriesInk = []color.Color{trailFill, logsFill, endsInk, changeInk, onsetInk, ink}

var seriesShape = []draw.GlyphDrawer{draw.CircleGlyph{}, draw.SquareGlyph{}, draw.TriangleGlyph{}, draw.CrossGlyph{}, draw.PlusGlyph{}, draw.RingGlyph{}}

// chartFile draws a follow-up's chart; false where there is nothing to draw.
func chartFile(c *facts.Chart, of string) (File, bool) {
	if c == nil {
		return File{}, false
	}
	var all []facts.Point
	for _, s := range c.Series {
		all = append(all, s.Points...)
	}
	if len(all) < 2 {
		return File{}, false
	}
	w := playbook.Window{From: all[0].At, To: all[0].At}
	most := c.Limit
	for _, p := range all {
		if p.At.Before(w.From) {
			w.From = p.At
		}
		if p.At.After(w.To) {
			w.To = p.At
		}
		most = max(most, p.Value)
	}
	if w.Length() < time.Hour {
		w.To = w.From.Add(time.Hour)
	}
	p := newPlot()
	p.Title.Text = line(c.Title, 80)
	p.X.Label.Text, p.Y.Label.Text = "UTC", line(c.Unit, 60)
	p.X.Min, p.X.Max = float64(w.From.Unix()), float64(w.To.Unix())
	p.Y.Min, p.Y.Max = 0, max(most, 1)*headroom
	p.X.Tick.Marker, p.Y.Tick.Marker = hoursOf(w), wholeNumbers{}
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = nil, faint
	p.Add(grid)
	p.Legend.Top, p.Legend.Left = true, true
	p.Legend.ThumbnailWidth, p.Legend.Padding, p.Legend.XOffs = vg.Points(18), vg.Points(4), vg.Points(6)
	for i, s := range c.Series[:min(len(c.Series), facts.MaxSeries)] {
		xy := make(plotter.XYs, len(s.Points))
		for j, q := range s.Points {
			xy[j].X, xy[j].Y = float64(q.At.Unix()), q.Value
		}
		lines, points, err := plotter.NewLinePoints(xy)
		if err != nil {
			continue // no points, or not a number among them
		}
		lines.Color, points.Color = seriesInk[i], seriesInk[i]
		lines.Width, points.Radius, points.Shape = vg.Points(1.5), vg.Points(4), seriesShape[i]
		p.Add(lines, points)
		p.Legend.Add(line(s.Name, 40), lines, points)
	}
	if c.Limit > 0 {
		limit := plotter.NewFunction(func(float64) float64 { return c.Limit })
		limit.Color, limit.Dashes = onsetInk, []vg.Length{vg.Points(6), vg.Points(4)}
		p.Add(limit)
		p.Legend.Add(line(c.Means, 60), limit)
	}
	img := vgimg.NewWith(vgimg.UseWH(chartWidth, chartHeight), vgimg.UseDPI(chartDPI), vgimg.UseBackgroundColor(color.White))
	p.Draw(draw.Crop(draw.New(img), vg.Points(8), -vg.Points(22), vg.Points(6), -vg.Points(8)))
	var b bytes.Buffer
	if _, err := (vgimg.PngCanvas{Canvas: img}).WriteTo(&b); err != nil {
		return File{}, false
	}
	alt := fmt.Sprintf("Chart: %s, %s, %s from %s to %s.", c.Title, c.Unit, wording.Count(len(c.Series), "line", "lines"), wording.UTC(w.From), wording.UTC(w.To))
	return File{Name: "chart.png", Title: line(of+": "+c.Title, 120), Alt: line(alt, 1000), Bytes: b.Bytes()}, true
}
