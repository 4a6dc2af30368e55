package constraint

import (
	"regexp"
	"strings"
)

// FilterMatches reports whether a value passes one of a filter's of EC2: "*" stands for any characters there, "?" for any
// one, and a character behind a backslash for itself ("List and filter using the CLI and API" in EC2's user guide).
func FilterMatches(filter, value string) bool {
	var b strings.Builder
	escaped := false
	for _, r := range filter {
		switch {
		case !escaped && r == '\\':
			escaped = true
			continue
		case !escaped && r == '*':
			b.WriteString(".*")
		case !escaped && r == '?':
			b.WriteString(".")
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
		escaped = false
	}
	return regexp.MustCompile("(?s)^" + b.String() + "$").MatchString(value)
}
