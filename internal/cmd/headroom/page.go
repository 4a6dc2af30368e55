package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"headroom/internal/operator"
)

// page is text for people. Only on a terminal it has colours, and lines that fit.
type page struct {
	bytes.Buffer
	columns int // of a line; 0: as many as it needs
	colour  bool
	now     time.Time // by the deployment's clock, by which all ages are
}

// roomyColumns is how wide a terminal is that has room.
const roomyColumns = 120

// style is an SGR parameter of terminals (ECMA-48).
type style string

const (
	bold   style = "1"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
)

// newPage is a page for out. Only a terminal has a width and colours; with NO_COLOR (no-color.org), and a terminal that
// can't, there are none.
func newPage(out io.Writer, now time.Time) *page {
	file, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return &page{now: now}
	}
	p := &page{now: now, colour: os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
	if width, _, err := term.GetSize(int(file.Fd())); err == nil {
		p.columns = width
	}
	return p
}

// onTerminal reports whether out moves and erases.
func onTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	return ok && term.IsTerminal(int(file.Fd())) && os.Getenv("TERM") != "dumb"
}

func (p *page) in(s style, text string) string {
	if !p.colour || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

// styles of states, of whatever: what is as it should be, what is on its way, and what a person should look at.
var styles = map[string]style{
	"in-service": green, "ready": green, "ok": green, "returned": green, "undone": green, "mended": green,
	"ordered": yellow, "building": yellow, "preparing": yellow, "requested": yellow, "waiting": yellow, "leaving": yellow, "scrubbing": yellow, "undoing": yellow,
	"cooling": yellow, "looking": yellow, "mending": yellow, "deleting": yellow,
	"cordoned": red, "quarantined": red, "lost": red, "asking": red, "alarm": red,
}

// state is a state in its colour.
func (p *page) state(s string) string {
	if st, ok := styles[s]; ok {
		return p.in(st, s)
	}
	return s
}

// heading begins a part; what is before it is parted from it.
func (p *page) heading(text string) {
	if p.Len() > 0 {
		p.WriteByte('\n')
	}
	p.WriteString(p.in(bold, text) + "\n")
}

// text writes a line, folded where it is too long.
func (p *page) text(format string, args ...any) {
	p.WriteString(p.fold(fmt.Sprintf(format, args...), 0) + "\n")
}

// factName is how wide the names of facts are.
const factName = 14

// fact writes a name and what it is; nothing if it is empty.
func (p *page) fact(name, value string) {
	if value == "" {
		return
	}
	fmt.Fprintf(p, "%-*s  %s\n", factName, name, p.fold(value, factName+2))
}

// item writes a point of a list.
func (p *page) item(text string) { p.WriteString("  - " + p.fold(text, 4) + "\n") }

// next names commands to go on with.
func (p *page) next(commands ...string) {
	for i, c := range commands {
		if i == 0 {
			p.heading("Next")
		}
		p.WriteString("  " + c + "\n")
	}
}

// leastColumn is how narrow the last column of a table gets at most, which is folded to fit.
const leastColumn = 16

// table writes rows under their heads. An empty table says so. The last column is folded.
func (p *page) table(none string, heads []string, rows [][]string) {
	if len(rows) == 0 {
		p.text("%s", none)
		return
	}
	widths := make([]int, len(heads))
	for _, row := range append(rows, heads) {
		for i, cell := range row {
			widths[i] = max(widths[i], width(cell))
		}
	}
	indent := 0
	for _, w := range widths[:len(widths)-1] {
		indent += w + 2
	}
	if p.columns > 0 && p.columns-indent < min(widths[len(widths)-1], leastColumn) {
		p.cards(heads, rows)
		return
	}
	p.WriteString(p.in(bold, p.row(heads, widths, indent)) + "\n")
	for _, row := range rows {
		p.WriteString(p.row(row, widths, indent) + "\n")
	}
}

func (p *page) row(cells []string, widths []int, indent int) string {
	var line strings.Builder
	for i, cell := range cells {
		if i == len(cells)-1 {
			line.WriteString(p.fold(cell, indent))
			break
		}
		line.WriteString(cell + strings.Repeat(" ", widths[i]-width(cell)+2))
	}
	return strings.TrimRight(line.String(), " ")
}

// cards is a table on a screen that is too narrow for it: a line a cell.
func (p *page) cards(heads []string, rows [][]string) {
	for i, row := range rows {
		if i > 0 {
			p.WriteByte('\n')
		}
		for j, cell := range row {
			if cell != "" {
				p.fact(strings.ToLower(heads[j]), cell)
			}
		}
	}
}

// fold breaks text between words so that it fits beside what is left of it, which is indent columns wide. A word that is
// too long stays whole, to be copied.
func (p *page) fold(text string, indent int) string {
	if p.columns == 0 {
		return text
	}
	room := max(p.columns-indent, leastColumn)
	var folded strings.Builder
	used := 0
	for i, word := range strings.Split(text, " ") {
		size := width(word)
		switch {
		case i == 0:
		case used+1+size > room:
			folded.WriteString("\n" + strings.Repeat(" ", indent))
			used = 0
		default:
			folded.WriteByte(' ')
			used++
		}
		folded.WriteString(word)
		used += size
	}
	return folded.String()
}

// width counts the columns of a text, whose colours have none.
func width(text string) int {
	n := utf8.RuneCountInString(text)
	for {
		start := strings.Index(text, "\x1b[")
		if start < 0 {
			return n
		}
		end := strings.IndexByte(text[start:], 'm')
		if end < 0 {
			return n
		}
		n -= end + 1
		text = text[start+end+1:]
	}
}

// at is a moment as all that is shown has it: UTC, and as it can be given back to a command; empty for none.
func at(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

// when is at, with how long ago that was, or ahead it is, by the deployment's clock.
func (p *page) when(t time.Time) string {
	switch {
	case t.IsZero():
		return ""
	case t.After(p.now):
		return at(t) + " (in " + p.age(t) + ")"
	}
	return at(t) + " (" + p.age(t) + " ago)"
}

// age is how long ago a moment is by the deployment's clock; empty for none.
func (p *page) age(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return operator.Ago(p.now.Sub(t))
}

// roomy reports whether lines have room for what is also told otherwise.
func (p *page) roomy() bool { return p.columns == 0 || p.columns >= roomyColumns }

// seconds words a duration that is so many seconds.
func seconds(n int64) string { return (time.Duration(n) * time.Second).String() }
