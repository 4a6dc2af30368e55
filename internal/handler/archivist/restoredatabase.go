package archivist

import (
	"context"
	"errors"
	"fmt"

	"headroom/internal/pool"
)

var (
	errNoStandIn = errors.New("its stand-in's name, role and mark are not those of one slot")
	// errFilled means that another attempt was at the stand-in, or is: how far it came can't be told by what is there.
	errFilled = errors.New("the stand-in is not empty: it has to be made anew")
)

// restoreDatabase copies a database from an instance that was restored to a time into an empty stand-in, as it comes, and
// compares both: every table with its rows, row security aside, every sequence with its state, all large objects. Each end
// is reached by a role that reaches nothing else. It returns the proof in words, or what it found.
func (t *task) restoreDatabase(ctx context.Context) (proof string, found []string, err error) {
	from, slot, err := t.login(ctx)
	if err != nil {
		return "", nil, err
	}
	into, err := t.loginTo(ctx, *t.job.StandIn)
	if err != nil {
		return "", nil, err
	}
	standIn, err := standInOf(*t.job.StandIn)
	if err != nil {
		return "", nil, err
	}
	// Nobody is in there but us: what is counted now is what the dump has.
	want, err := t.Databases.Catalog(ctx, from, slot)
	if err != nil {
		return "", nil, fmt.Errorf("read what the database held: %w", err)
	}
	t.total.Store(want.Bytes)
	empty, err := t.Databases.Catalog(ctx, into, standIn)
	if err != nil {
		return "", nil, fmt.Errorf("look into the stand-in: %w", err)
	}
	if len((pool.Catalog{}).Differences(empty)) > 0 {
		return "", nil, errFilled
	}
	if err := t.refill(ctx, from, slot, want.Version, into, standIn, empty.Version); err != nil {
		return "", nil, err
	}
	got, err := t.Databases.Catalog(ctx, into, standIn)
	if err != nil {
		return "", nil, fmt.Errorf("read what the stand-in holds: %w", err)
	}
	var all findings
	for _, differs := range want.Differences(got) {
		all.add("%s", differs)
	}
	if found := all.all(); len(found) > 0 {
		return "", found, nil
	}
	// Commit point: the stand-in is what the database was. Before that row security binds its owner, who has counted.
	if err := t.Databases.Force(ctx, into, standIn, want.Forced); err != nil {
		return "", nil, err
	}
	t.entries.Store(int64(len(want.Tables)))
	return wordsOf(got), nil, nil
}

// refill dumps one database into another. Each end has the programs of its own version: those of a newer one read what an
// older one's have written.
func (t *task) refill(ctx context.Context, from pool.Login, slot string, version int, into pool.Login, standIn string, intoVersion int) error {
	dump, err := t.Dumps.Dump(ctx, from, slot, version)
	if err != nil {
		return fmt.Errorf("dump the database: %w", err)
	}
	defer func() { _ = dump.Close() }()
	return t.Dumps.Fill(ctx, t.counted(ctx, dump), into, standIn, intoVersion)
}

// wordsOf says what a database holds.
func wordsOf(c pool.Catalog) string {
	rows := int64(0)
	for _, table := range c.Tables {
		rows += table.Rows
	}
	return fmt.Sprintf("%d tables with %d rows, %d sequences, %d large objects", len(c.Tables), rows, len(c.Sequences), c.LargeObjects)
}
