package dump

import (
	"bytes"
	"slices"
	"strings"
)

const (
	complaintsMost = 8 << 10 // bytes that are kept of what a program complained of
	complaintMost  = 300     // bytes of a line of it in an error
	complaintLines = 6
)

// speakers are the programs that are run here. Each begins its lines with its name.
var speakers = []string{"pg_dump", "pg_restore", "initdb", "pg_ctl"}

// complaints keeps the beginning of what a program complained of.
type complaints struct{ kept bytes.Buffer }

func (c *complaints) Write(p []byte) (int, error) {
	c.kept.Write(p[:min(len(p), complaintsMost-c.kept.Len())])
	return len(p), nil
}

// text is what a program said itself, to stand at the end of an error. What a server said may have a tenant's rows in
// it, or whatever a tenant's function raised: that is left out.
func (c *complaints) text() string {
	var said []string
	for line := range strings.Lines(strings.ToValidUTF8(c.kept.String(), "?")) {
		line = strings.TrimSpace(line)
		program, rest, found := strings.Cut(line, ": ")
		if !found || !slices.Contains(speakers, program) || strings.HasPrefix(rest, "detail:") || len(said) == complaintLines {
			continue
		}
		if before, _, server := strings.Cut(line, "ERROR: "); server {
			line = before + "the server refused"
		}
		said = append(said, line[:min(len(line), complaintMost)])
	}
	if len(said) == 0 {
		return ""
	}
	return ": " + strings.Join(said, "; ")
}
