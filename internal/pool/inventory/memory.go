package inventory

import (
	"slices"
	"strings"
	"time"
)

const (
	// looksLeast and graceLeast are how often, and over how long, a thing is to be found until it is believed: what was
	// found once may have been on its way, and AWS lists late.
	looksLeast = 2
	graceLeast = 30 * time.Minute
	// rememberedMost bounds what is remembered, the gravest first.
	rememberedMost = 500
)

// Sightings are what one look after the other found that wants a person.
type Sightings struct {
	All     []Sighting
	At      time.Time // of the last look; zero: it was never looked, or by what did not note when
	Version int64     // of the record; 0 when it was never written
}

// Sighting is a finding that was seen, by its key.
type Sighting struct {
	Key   string
	First time.Time // when it was seen first, without a look in between that did not find it
	Looks int       // that found it, since then
	Told  bool      // people were told
	Grave bool      // it is for a page
}

// Stands reports whether something was found often and long enough that is still there, by the last look, or that could not be
// looked at then; with grave, something that is for a page.
func (s Sightings) Stands(grave bool) bool {
	return slices.ContainsFunc(s.All, func(one Sighting) bool { return one.Told && (one.Grave || !grave) })
}

// Clone copies sightings so that the copy can be changed without changing s.
func (s Sightings) Clone() Sightings {
	s.All = slices.Clone(s.All)
	return s
}

// Remembered is what becomes of the sightings with one look more.
type Remembered struct {
	Sightings
	News  []Finding // found often and long enough, and not told yet: they count as told in Sightings
	Stand []Finding // found often and long enough, the News among them
}

// Remember adds a look to what was seen before. What it does not find any more is forgotten, and told anew if it comes
// again; of a sort that could not be looked at, all is kept as it was. Notes are not remembered.
func Remember(before Sightings, found []Finding, now time.Time) Remembered {
	r := Remembered{Sightings: Sightings{At: now, Version: before.Version}}
	known := map[string]Sighting{}
	for _, s := range before.All {
		known[s.Key] = s
	}
	kept := map[string]bool{}
	keep := func(s Sighting) {
		if !kept[s.Key] && len(r.All) < rememberedMost {
			kept[s.Key] = true
			r.All = append(r.All, s)
		}
	}
	var blind []Sort
	for _, f := range found {
		if f.Severity == Note || kept[f.Key()] {
			continue
		}
		if f.Verdict == Unlooked {
			blind = append(blind, f.Sort)
		}
		s, seen := known[f.Key()]
		if !seen {
			s = Sighting{Key: f.Key(), First: now}
		}
		s.Looks++
		s.Grave = f.Severity == Page
		if s.Looks >= looksLeast && now.Sub(s.First) >= graceLeast {
			r.Stand = append(r.Stand, f)
			if !s.Told {
				r.News, s.Told = append(r.News, f), true
			}
		}
		keep(s)
	}
	for _, s := range before.All {
		if slices.ContainsFunc(blind, func(sort Sort) bool { return strings.Contains(s.Key, " "+string(sort)+" ") }) {
			keep(s)
		}
	}
	slices.SortFunc(r.All, func(a, b Sighting) int { return strings.Compare(a.Key, b.Key) })
	return r
}
