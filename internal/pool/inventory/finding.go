package inventory

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Verdict is what is found about a thing.
type Verdict string

const (
	// Missing is what the ledger has, and AWS has not.
	Missing Verdict = "missing"
	// Orphaned is what bears our marks, and the ledger does not know.
	Orphaned Verdict = "orphaned"
	// Foreign is what stands in our place and lacks our mark.
	Foreign Verdict = "foreign"
	// Drifted is what is another than it should be.
	Drifted Verdict = "drifted"
	// Aging is what will not be served any more from some day on.
	Aging Verdict = "aging"
	// Unlooked is what could not be looked at.
	Unlooked Verdict = "unlooked"
)

// Severity is how much a finding wants a person.
type Severity string

const (
	// Page wants one now: tenants can't reach what is theirs, or somebody may reach what is not.
	Page Severity = "page"
	// Ticket wants one some day soon.
	Ticket Severity = "ticket"
	// Note wants none: it is as it should be for a while, and worth knowing.
	Note Severity = "note"
)

// severities in the order in which they are told.
var severities = []Severity{Page, Ticket, Note}

// Finding is one thing that is not as the ledger has it.
type Finding struct {
	Verdict  Verdict
	Severity Severity
	Sort     Sort
	Of       string // the thing: its name, ID or ARN
	What     string // in words
	Do       string // the next command
}

// Key tells findings apart from one look to the next. Words may change meanwhile, but of what is another than it should be:
// one thing may be so in several ways.
func (f Finding) Key() string {
	key := string(f.Verdict) + " " + string(f.Sort) + " " + f.Of
	if f.Verdict == Drifted {
		key += ": " + f.What
	}
	return key
}

// Clean reports whether nothing wants a person.
func Clean(findings []Finding) bool {
	return !slices.ContainsFunc(findings, func(f Finding) bool { return f.Severity != Note })
}

// findings collects what a comparison finds.
type findings []Finding

func (f *findings) add(v Verdict, s Severity, sort Sort, of, do, format string, args ...any) {
	*f = append(*f, Finding{Verdict: v, Severity: s, Sort: sort, Of: of, What: fmt.Sprintf(format, args...), Do: do})
}

// ordered are the findings, the gravest first, each once.
func (f findings) ordered() []Finding {
	slices.SortStableFunc(f, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(slices.Index(severities, a.Severity), slices.Index(severities, b.Severity)), strings.Compare(a.Key(), b.Key()), strings.Compare(a.What, b.What))
	})
	return slices.Compact(f)
}

// day is a date in words.
func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
