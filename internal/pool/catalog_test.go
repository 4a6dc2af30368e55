package pool_test

import (
	"slices"
	"testing"

	"headroom/internal/pool"
)

func TestCatalogNamesWhatACopyHasOtherwise(t *testing.T) {
	source := func() pool.Catalog {
		return pool.Catalog{
			Version: 150014, Bytes: 1 << 20, LargeObjects: 3,
			Tables:    []pool.TableRows{{Name: "app.a", Rows: 1}, {Name: "app.b", Rows: 0}},
			Sequences: []pool.SequenceAt{{Name: "app.s", Last: 1, Called: true}},
			Views:     []string{"app.v"}, Types: []string{"app.mood"}, Routines: []string{"app.f()"},
			Forced: []string{"app.a"},
		}
	}
	if got := source().Major(); got != 15 {
		t.Errorf("major version %d, want 15", got)
	}
	for name, test := range map[string]struct {
		change func(*pool.Catalog)
		want   []string
	}{
		"nothing":             {func(*pool.Catalog) {}, nil},
		"order":               {func(c *pool.Catalog) { slices.Reverse(c.Tables) }, nil},
		"what a copy has not": {func(c *pool.Catalog) { c.Version, c.Bytes, c.Forced = 150013, 7, nil }, nil},
		"a row":               {func(c *pool.Catalog) { c.Tables[0].Rows = 2 }, []string{"table app.a has 2 instead of 1 rows"}},
		"an empty table":      {func(c *pool.Catalog) { c.Tables = c.Tables[:1] }, []string{"table app.b is missing"}},
		"another table":       {func(c *pool.Catalog) { c.Tables[1].Name = "app.c" }, []string{"table app.b is missing", "table app.c is too many"}},
		"a sequence": {
			func(c *pool.Catalog) { c.Sequences[0].Called = false },
			[]string{"sequence app.s has 1 (not called) instead of 1 as its state"},
		},
		"a view":         {func(c *pool.Catalog) { c.Views = nil }, []string{"view app.v is missing"}},
		"a type":         {func(c *pool.Catalog) { c.Types = append(c.Types, "app.x") }, []string{"type app.x is too many"}},
		"a routine":      {func(c *pool.Catalog) { c.Routines = nil }, []string{"routine app.f() is missing"}},
		"a large object": {func(c *pool.Catalog) { c.LargeObjects = 2 }, []string{"2 large objects instead of 3"}},
	} {
		replica := source()
		test.change(&replica)
		if got := source().Differences(replica); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}
