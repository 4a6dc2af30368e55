package pool

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Unuploaded is what CloudWatch measured last of what a gateway had acknowledged and not uploaded. It is kept for weeks after the
// gateway has said its last word.
type Unuploaded struct {
	Dirty     float64   // percent of the gateway's cache that was not uploaded
	DirtyAt   time.Time // when that was measured; zero: it is not known
	Failing   int       // files of all of its shares that failed to upload
	FailingAt time.Time // when that was measured; zero: it is not known
}

// measuredFor is how old what was measured of a gateway that serves may be: that is done every five minutes, and seen some later.
const measuredFor = 20 * time.Minute

// Fresh reports whether it says something of the gateway as it is by now.
func (u Unuploaded) Fresh(now time.Time) bool {
	return !u.DirtyAt.IsZero() && now.Sub(u.DirtyAt) < measuredFor
}

// Clean reports whether all that the gateway had acknowledged was uploaded when it was measured. Of one on which no file ever failed
// it is not known how many do.
func (u Unuploaded) Clean() bool { return !u.DirtyAt.IsZero() && u.Dirty == 0 && u.Failing == 0 }

// LastLook is the last that is known of what a gateway has on its cache disk alone: what is lost if it is given up, and nobody can
// ask it any more.
type LastLook struct {
	Gateway string // its ID; empty: nobody has looked
	Unuploaded
	CacheGiB int            // size of its cache disk; 0: not known
	Named    []FailingShare // of which a report named files that fail to upload, by their slots
}

// FailingShare is a share of which a report named files that fail to upload.
type FailingShare struct {
	Slot   int
	Tenant TenantID
	Files  FailingFiles // the first of their names
	At     time.Time    // when the report was read
}

// lookNamed is how many files are named of a share: a host has many, and the departures that asked for the reports name more.
const lookNamed = 3

// NameFailing notes what reports said of a slot's share, to whomever they were given. The last one counts.
func (l LastLook) NameFailing(s Slot, reports ...Failing) LastLook {
	var last Failing
	for _, f := range reports {
		if f.Count > 0 && (f.Share == "" || f.Share == s.Share) && f.At.After(last.At) {
			last = f
		}
	}
	if last.Count == 0 {
		return l
	}
	files := FailingFiles{Names: slices.Clone(last.Names[:min(len(last.Names), lookNamed)]), Count: last.Count}
	l.Named = append(slices.Clone(l.Named), FailingShare{Slot: s.Index, Tenant: s.Tenant, Files: files, At: last.At})
	slices.SortFunc(l.Named, func(a, b FailingShare) int { return cmp.Compare(a.Slot, b.Slot) })
	return l
}

// Over is a look with what an earlier one at the same gateway knew and this one could not learn.
func (l LastLook) Over(earlier LastLook) LastLook {
	if earlier.Gateway == "" || l.Gateway != earlier.Gateway {
		return l
	}
	if l.DirtyAt.IsZero() {
		l.Dirty, l.DirtyAt = earlier.Dirty, earlier.DirtyAt
	}
	if l.FailingAt.IsZero() {
		l.Failing, l.FailingAt = earlier.Failing, earlier.FailingAt
	}
	l.CacheGiB = cmp.Or(l.CacheGiB, earlier.CacheGiB)
	if len(l.Named) == 0 {
		l.Named = earlier.Named
	}
	return l
}

// Amount words how much was not uploaded; quiet is since when the gateway is known not to serve, zero if it is not known to.
func (l LastLook) Amount(quiet time.Time) string {
	if l.DirtyAt.IsZero() {
		return "how much is not known, because nothing was measured of it lately"
	}
	what := fmt.Sprintf("%s%% of its cache, whose size is not known,", percent(l.Dirty))
	if l.CacheGiB > 0 {
		what = fmt.Sprintf("up to %s, %s%% of its cache of %d GiB,", size(l.Dirty/100*float64(l.CacheGiB)), percent(l.Dirty), l.CacheGiB)
	}
	if l.Dirty == 0 {
		what = "nothing of its cache"
	}
	return fmt.Sprintf("%s when it was last measured, at %s%s, and what was written since, which nobody knows", what, l.DirtyAt.UTC().Format(time.RFC3339), before(l.DirtyAt, quiet))
}

// before words how long before a gateway is known not to serve something was measured.
func before(at, quiet time.Time) string {
	if ahead := quiet.Sub(at).Round(time.Minute); !quiet.IsZero() && ahead > 0 {
		return fmt.Sprintf(", %s before it was found not to serve", strings.TrimSuffix(ahead.String(), "0s"))
	}
	return ""
}

// Files words which files failed to upload.
func (l LastLook) Files() string {
	var says []string
	named := 0
	for _, s := range l.Named {
		named += s.Files.Count
		says = append(says, "of "+string(s.Tenant)+" "+s.words())
	}
	switch {
	case l.FailingAt.IsZero() && named == 0:
		return "whether files failed to upload is not known"
	case l.Failing > named && named == 0:
		says = append(says, fmt.Sprintf("%s failed to upload at %s, and which is not known: no report named them", count(l.Failing, "file"), l.FailingAt.UTC().Format(time.RFC3339)))
	case l.Failing > named:
		says = append(says, fmt.Sprintf("%d in all failed to upload at %s, and which the others are is not known", l.Failing, l.FailingAt.UTC().Format(time.RFC3339)))
	case l.Failing == 0 && named == 0:
		return fmt.Sprintf("no file failed to upload at %s", l.FailingAt.UTC().Format(time.RFC3339))
	}
	return strings.Join(says, "; ")
}

// words words which files a report named.
func (s FailingShare) words() string {
	return fmt.Sprintf("a report named %s at %s, as %s", files(s.Files), s.At.UTC().Format(time.RFC3339), strings.Join(s.Files.Names, ", "))
}

// files words how many files a report named.
func files(f FailingFiles) string {
	if f.Count >= FailingMost {
		return fmt.Sprintf("%d files or more", f.Count)
	}
	return count(f.Count, "file")
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// percent words a share of a hundred: with a digit after the point, and what is more than nothing is not said to be nothing.
func percent(p float64) string {
	if p > 0 && p < 0.1 {
		return "less than 0.1"
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", p), ".0")
}

// size words an amount of GiB, never less than it is.
func size(gib float64) string {
	if gib < 1 {
		return fmt.Sprintf("%.0f MiB", math.Ceil(gib*1024))
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", math.Ceil(gib*10)/10), ".0") + " GiB"
}
