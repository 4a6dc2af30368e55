package constraint

import "testing"

func TestAFilterStandsForMoreThanItself(t *testing.T) {
	for _, test := range []struct {
		filter, value string
		want          bool
	}{
		{"share-1", "share-1", true},
		{"share", "share-1", false},
		{"share-*", "share-1", true},
		{"*", "", true},
		{"share-?", "share-1", true},
		{"share-?", "share-", false},
		{"share-?", "share-12", false},
		{`share-\*`, "share-1", false},
		{`share-\*`, "share-*", true},
		{`a\?\\`, `a?\`, true},
		{"a.c", "abc", false},
		{"*", "a\nb", true},
	} {
		if got := FilterMatches(test.filter, test.value); got != test.want {
			t.Errorf("%q matches %q: %v", test.filter, test.value, got)
		}
	}
}
