package cloudwatch

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

const (
	// searchMost is the longest search that CloudWatch takes, and foundMost how many metrics one finds at most
	// (CloudWatch User Guide, "CloudWatch search expression syntax").
	searchMost = 1024
	foundMost  = 500
)

// search finds metrics by their names and dimensions, and takes a statistic of each.
type search struct {
	text       string
	namespace  string   // empty: of any
	dimensions []string // exactly these; nil: any
	matches    func(Metric) bool
	statistic  statistic
	stat       string
	period     int // seconds; 0: as the query says
}

// parseSearch reads the quoted part of a SEARCH expression: `{Namespace,Dimension,…} terms`.
func parseSearch(text string) (search, error) {
	s := search{text: text, matches: func(Metric) bool { return true }}
	if len(text) > searchMost {
		return s, invalid("a search has at most %d characters", searchMost)
	}
	rest := strings.TrimSpace(text)
	if schema, terms, ok := strings.Cut(strings.TrimPrefix(rest, "{"), "}"); ok && strings.HasPrefix(rest, "{") {
		for i, name := range strings.Split(schema, ",") {
			name = strings.Trim(strings.TrimSpace(name), `"`)
			if name == "" {
				return s, invalid("a name is missing in {%s}", schema)
			}
			if i == 0 {
				s.namespace = name
				continue
			}
			s.dimensions = append(s.dimensions, name)
		}
		slices.Sort(s.dimensions)
		rest = strings.TrimPrefix(strings.TrimSpace(terms), ",")
	}
	if strings.TrimSpace(rest) == "" {
		if s.namespace == "" {
			return s, invalid("a search has a schema, terms, or both")
		}
		return s, nil
	}
	matches, err := parseTerms(rest)
	if err != nil {
		return s, err
	}
	s.matches = matches
	return s, nil
}

// searches reports whether an expression searches.
func searches(expression string) bool { return strings.Contains(expression, "SEARCH(") }

// find lists the metrics that a search finds, in the order of their names.
func (m *Metrics) find(s search) []Metric {
	var found []Metric
	for _, known := range m.all() {
		metric := known.metric
		names := slices.Sorted(maps.Keys(metric.Dimensions))
		if s.namespace != "" && (metric.Namespace != s.namespace || !slices.Equal(names, s.dimensions)) {
			continue
		}
		if s.matches(metric) {
			found = append(found, metric)
		}
	}
	slices.SortFunc(found, func(a, b Metric) int { return cmp.Compare(a.key(), b.key()) })
	return found[:min(len(found), foundMost)]
}

// tokens are the parts of a name: runs of small letters with the capitals before them, runs of capitals, and runs of
// digits. What is no letter and no digit parts them.
func tokens(name string) []string {
	const (
		other = iota
		digit
		upper
		lower
	)
	kind := func(r rune) int {
		switch {
		case r >= '0' && r <= '9':
			return digit
		case r >= 'A' && r <= 'Z':
			return upper
		case r >= 'a' && r <= 'z':
			return lower
		}
		return other
	}
	var parts []string
	var part []rune
	end := func() {
		if len(part) > 0 {
			parts = append(parts, string(part))
		}
		part = nil
	}
	before := other
	for _, r := range name {
		now := kind(r)
		switch {
		case now == other:
			end()
			before = other
			continue
		case before == upper && now == lower && len(part) > 1: // "SDBFailure": the last capital begins "Failure"
			last := part[len(part)-1]
			part = part[:len(part)-1]
			end()
			part = []rune{last}
		case before != now && (before != upper || now != lower):
			end()
		}
		part = append(part, r)
		before = now
	}
	end()
	return parts
}

// partly reports whether a term is part of a name: one token in any letters, several only as they are written. One
// token is also the whole name, without what parts it.
func partly(name, term string) bool {
	of, wanted := tokens(name), tokens(term)
	switch len(wanted) {
	case 0:
		return false
	case 1:
		return strings.EqualFold(strings.Join(of, ""), wanted[0]) ||
			slices.ContainsFunc(of, func(token string) bool { return strings.EqualFold(token, wanted[0]) })
	}
	for i := 0; i+len(wanted) <= len(of); i++ {
		if slices.Equal(of[i:i+len(wanted)], wanted) {
			return true
		}
	}
	return false
}
