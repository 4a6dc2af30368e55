package demo

import (
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// screen is what a Printer writes on.
type screen struct {
	io.Writer
	columns func() int // of a line; 0: as many as it needs
	colour  bool
}

// screenOf finds out what out is. Only a terminal has a width and colours; NO_COLOR (no-color.org), and a
// terminal that can't, have none.
func screenOf(out io.Writer, environment func(string) string) screen {
	file, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return screen{Writer: out, columns: func() int { return 0 }}
	}
	return screen{
		Writer: out,
		columns: func() int { // each time: a window can be resized
			width, _, err := term.GetSize(int(file.Fd()))
			if err != nil {
				return 0
			}
			return width
		},
		colour: environment("NO_COLOR") == "" && environment("TERM") != "dumb",
	}
}

// style is an SGR parameter of terminals (ECMA-48).
type style string

const (
	bold  style = "1"
	faint style = "2"
	red   style = "31"
	green style = "32"
)

func (s screen) in(st style, text string) string {
	if !s.colour {
		return text
	}
	return "\x1b[" + string(st) + "m" + text + "\x1b[0m"
}

// leastText is what is left for text, however narrow the screen.
const leastText = 20

// fold breaks text between words so that it fits beside what is left of it, which is indent columns wide:
// that is empty in the lines that follow. A word that is too long stays whole, to be copied.
func (s screen) fold(text string, indent int) string {
	columns := s.columns()
	if columns == 0 {
		return text
	}
	room := max(columns-indent, leastText)
	var folded strings.Builder
	used := 0
	for i, word := range strings.Split(text, " ") {
		size := utf8.RuneCountInString(word)
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
