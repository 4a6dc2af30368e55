package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/go-analyze/charts"
)

const (
	panelWidth  = 760
	panelHeight = 260
	points      = 500 // of a line
)

// panel is one quantity over time.
type panel struct {
	title  string
	names  []string
	worst  func(a, b float64) float64 // which of two looks is shown where there is no room for both
	values func(Look) []float64
}

func least(a, b float64) float64 { return min(a, b) }

func most(a, b float64) float64 { return max(a, b) }

var panels = []panel{
	{"Free slots (fewest in each step)", []string{"databases", "shares"}, least, func(l Look) []float64 {
		return []float64{float64(l.Free.Database), float64(l.Free.Share)}
	}},
	{"Tenants waiting (most in each step)", []string{"waiting"}, most, func(l Look) []float64 { return []float64{float64(l.Waiting)} }},
	{"Hosts (being made too)", []string{"database", "share"}, most, func(l Look) []float64 {
		return []float64{float64(l.Hosts.Database), float64(l.Hosts.Share)}
	}},
}

// Picture draws results side by side, as SVG: free slots, tenants waiting, and hosts over time. Panels of one row have one
// scale.
func Picture(results []Result) ([]byte, error) {
	page := charts.NewPainter(charts.PainterOptions{
		OutputFormat: charts.ChartOutputSVG, Width: panelWidth * len(results), Height: panelHeight * len(panels),
	})
	for row, p := range panels {
		highest := 4.0
		for _, r := range results {
			for _, l := range r.Looks {
				highest = max(highest, slices.Max(p.values(l)))
			}
		}
		for column, r := range results {
			box := charts.NewBox(column*panelWidth, row*panelHeight, (column+1)*panelWidth, (row+1)*panelHeight)
			if err := page.Child(charts.PainterBoxOption(box)).LineChart(p.chart(r, highest)); err != nil {
				return nil, fmt.Errorf("draw %q of %s: %w", p.title, r.Policy, err)
			}
		}
	}
	return page.Bytes()
}

// chart is a panel of one result.
func (p panel) chart(r Result, highest float64) charts.LineChartOption {
	labels, values := p.steps(r.Looks)
	option := charts.NewLineChartOptionWithData(values)
	option.Padding = charts.NewBoxEqual(14)
	option.Title = charts.TitleOption{Text: p.title, Subtext: r.Policy, FontStyle: charts.FontStyle{FontSize: 11}, SubtextFontStyle: charts.FontStyle{FontSize: 9}}
	option.Legend = charts.LegendOption{SeriesNames: p.names, Offset: charts.OffsetRight, Symbol: charts.SymbolSquare}
	option.XAxis.Labels, option.XAxis.LabelCount, option.XAxis.BoundaryGap = labels, 6, charts.Ptr(false)
	option.YAxis = []charts.YAxisOption{{Min: charts.Ptr(0.0), Max: charts.Ptr(highest), LabelCount: 5}}
	option.Symbol = charts.Symbol{Shape: charts.SymbolNone}
	option.LineStrokeWidth = 1.2
	option.ValueFormatter = func(v float64) string { return fmt.Sprintf("%.0f", v) }
	return option
}

// steps are the values of a panel, each the worst of as many looks as it takes for a line to have no more points than
// are seen, with the time of each.
func (p panel) steps(looks []Look) (labels []string, values [][]float64) {
	values = make([][]float64, len(p.names))
	size := max(1, (len(looks)+points-1)/points)
	for some := range slices.Chunk(looks, size) {
		labels = append(labels, some[0].At.Format(layoutOf(looks)))
		worst := p.values(some[0])
		for _, l := range some[1:] {
			for i, v := range p.values(l) {
				worst[i] = p.worst(worst[i], v)
			}
		}
		for i := range values {
			values[i] = append(values[i], worst[i])
		}
	}
	return labels, values
}

// layoutOf is how times of a line are written.
func layoutOf(looks []Look) string {
	if looks[len(looks)-1].At.Sub(looks[0].At) < 4*24*time.Hour {
		return "2 Jan 15:04"
	}
	return "2 Jan"
}
