package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"headroom/events"
	"headroom/internal/local/nfsclient"
	"headroom/internal/pool"
)

// What the leaving chapter tries.
const (
	shutOut      = "a customer that leaves is shut out at once"
	readable     = "its archive is what is certified, and standard tools read it"
	sameSlots    = "the next customer has both slots, as they were made anew"
	findsNothing = "the next customer finds nothing"
	goneForGood  = "the old password and address are of no use any more"
)

// The customers of the leaving chapter.
const (
	leaver    = "willow"
	successor = "yarrow"
)

// leftFiles are the files that the leaver writes.
var leftFiles = []string{"contract.txt", "invoices.csv", "plan.txt"}

// leaving has a customer leave, and the next one come.
func (s show) leaving(ctx context.Context) error {
	s.p.Heading("a customer leaves: it is archived, scrubbed, and followed by the next one on the same slots")
	s.p.Line("the policy gets a tier of one database and one share, and slots rest for a minute only")
	if err := openLoneTier(ctx, s.cloud); err != nil {
		return err
	}
	if err := s.await(ctx, "the tier's hosts are in service", s.crowd.InService); err != nil {
		return err
	}
	t, err := s.signUp(ctx, leaver, Machine(1))
	if err != nil {
		return err
	}
	if err := fill(ctx, s.cloud, t); err != nil {
		return fmt.Errorf("write what %s leaves: %w", t.ID, err)
	}
	s.p.Line(fmt.Sprintf("%s writes %d files and 1000 rows, and leaves, by one message on the decommission queue", t.ID, len(leftFiles)))
	if err := s.crowd.Leave(ctx, t.ID, "its contract ended", "1m"); err != nil {
		return err
	}
	var done trials
	_, err = awaitSaid(ctx, s.crowd, s.p, s.o.Patience, t.ID+" is shut out", func(e events.TenantClosed) bool { return e.TenantID == t.ID })
	if err != nil {
		return err
	}
	s.isShutOut(ctx, &done, shutOut, t)
	released, err := awaitSaid(ctx, s.crowd, s.p, s.o.Patience, t.ID+" has left", func(e events.TenantReleased) bool { return e.TenantID == t.ID })
	if err != nil {
		return err
	}
	s.p.certificate(released.Certificate)
	if err := s.readArchive(ctx, &done, released.Certificate.Archive); err != nil {
		return err
	}
	return s.following(ctx, done, t, released.Certificate)
}

// following has the next customer come, to the slots of the one who left.
func (s show) following(ctx context.Context, done trials, left Tenant, c events.Certificate) error {
	s.p.print("\n")
	next, err := s.signUp(ctx, successor, Machine(2))
	if err != nil {
		return err
	}
	done.try(ctx, sameSlots, next.ID+" has what "+left.ID+" had", func(context.Context) error { return hasSlots(next, c) })
	done.try(ctx, findsNothing, "the database of "+next.ID, func(ctx context.Context) error { return databaseIsEmpty(ctx, s.cloud, next) })
	done.try(ctx, findsNothing, "the share of "+next.ID, func(ctx context.Context) error { return shareIsEmpty(ctx, s.cloud, next) })
	s.isShutOut(ctx, &done, goneForGood, left)
	return s.verdict(ctx, done)
}

// hasSlots wants a tenant to have the slots of which something is certified: the database that was made in the place of
// the old one, and the only share of its gateway.
func hasSlots(t Tenant, c events.Certificate) error {
	has := map[string]bool{}
	for _, slot := range c.Slots {
		switch pool.Kind(slot.Kind) {
		case pool.Database:
			has[slot.Kind] = strings.Contains(evidence(slot.Steps, pool.StepRemake), "database "+t.Ready.Database.Name+" ")
		case pool.Share:
			has[slot.Kind] = strings.HasPrefix(t.Ready.Share.Host, slot.Host+".")
		}
	}
	for _, kind := range pool.Kinds {
		if !has[string(kind)] {
			return fmt.Errorf("its %s is another", kind)
		}
	}
	return nil
}

// signUp signs one customer up for the tier, and waits until it is ready.
func (s show) signUp(ctx context.Context, id, instance string) (t Tenant, err error) {
	if err := s.crowd.SignUp(ctx, id, instance); err != nil {
		return t, err
	}
	if err := s.await(ctx, id+" has its storage", func() bool { return s.crowd.Ready(id) }); err != nil {
		return t, err
	}
	if t, err = s.crowd.Tenant(ctx, id); err != nil {
		return t, err
	}
	s.p.Line(fmt.Sprintf("%s has its storage after %s: database %s, share %s", id, took(t), t.Ready.Database.Name, shortShare(t)))
	return t, nil
}

// fill writes files and rows.
func fill(ctx context.Context, cloud Cloud, t Tenant) error {
	conn, err := Connect(ctx, cloud, t.credentials)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	for _, statement := range []string{
		"CREATE TABLE app.orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what text)",
		"INSERT INTO app.orders (what) SELECT 'order ' || n FROM generate_series(1, 1000) n",
		"SELECT lo_from_bytea(0, 'a large object')",
	} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("write rows: %w", err)
		}
	}
	client, err := mountPatiently(ctx, cloud, t)
	if err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	defer func() { _ = client.Close() }()
	for _, name := range leftFiles {
		if err := client.WriteFile(ctx, name, []byte("of "+t.ID+": "+name)); err != nil {
			return fmt.Errorf("write files: %w", err)
		}
	}
	return nil
}

// databaseIsEmpty wants a tenant to find nothing in its database that it has not made.
func databaseIsEmpty(ctx context.Context, cloud Cloud, t Tenant) error {
	conn, err := Connect(ctx, cloud, t.credentials)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	var found int
	err = conn.QueryRow(ctx, `SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = 'app'::regnamespace) +
		(SELECT count(*) FROM pg_largeobject_metadata)`).Scan(&found)
	if err != nil {
		return fmt.Errorf("look: %w", err)
	}
	if found > 0 {
		return fmt.Errorf("it finds %d relations and large objects", found)
	}
	return nil
}

// shareIsEmpty wants a tenant to find no file of the last one.
func shareIsEmpty(ctx context.Context, cloud Cloud, t Tenant) error {
	client, err := mountPatiently(ctx, cloud, t)
	if err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	defer func() { _ = client.Close() }()
	for _, name := range leftFiles {
		switch _, err := client.ReadFile(ctx, name); {
		case err == nil:
			return fmt.Errorf("it finds %s", name)
		case !errors.Is(err, os.ErrNotExist) || nfsclient.Refused(err):
			return fmt.Errorf("look for %s: %w", name, err)
		}
	}
	return nil
}
