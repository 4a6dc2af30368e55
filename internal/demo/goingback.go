package demo

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"headroom/events"
	"headroom/internal/adapter/awsclient"
)

// What the chapter of going back in time tries.
const (
	isBack       = "a table that was dropped is back, with every row"
	sawNothing   = "the neighbour on the same host has its newest row"
	filesBeside  = "the files of that time lie in a folder beside those of now"
	backLook     = time.Second
	booksOfThen  = 500              // rows that are lost
	neighboursOf = "the newest row" // that a restore of the whole host would lose
	comeMost     = 5                // customers who sign up for one to come beside another
	comesFrom    = 20               // the first one's machine
)

// goingBack has a customer drop a table, and get it back as of a minute ago, beside a neighbour that writes on.
func (s show) goingBack(ctx context.Context, tenants []Tenant) error {
	s.p.Heading("a customer drops a table, and gets it back as of a minute ago")
	t, neighbour, err := s.neighbours(ctx, tenants)
	if err != nil {
		return err
	}
	if err := execute(ctx, s.cloud, t, fmt.Sprintf("CREATE TABLE app.books AS SELECT n AS id FROM generate_series(1, %d) n", booksOfThen)); err != nil {
		return err
	}
	to, err := s.backedUp(ctx, t)
	if err != nil {
		return err
	}
	if err := execute(ctx, s.cloud, neighbour, "CREATE TABLE app.newest AS SELECT '"+neighboursOf+"'::text AS text"); err != nil {
		return err
	}
	if err := execute(ctx, s.cloud, t, "DROP TABLE app.books"); err != nil {
		return err
	}
	s.p.Line(fmt.Sprintf("%s drops a table of %d rows; an operator has it go back to %s, by one message on the restore queue", t.ID, booksOfThen, to.Format(time.TimeOnly)))
	if err := s.crowd.GoBack(ctx, t.ID, to, "it dropped a table"); err != nil {
		return err
	}
	restored, err := awaitSaid(ctx, s.crowd, s.p, s.o.Patience, t.ID+" is restored", func(e events.TenantRestored) bool { return e.TenantID == t.ID })
	if err != nil {
		return err
	}
	var done trials
	done.try(ctx, isBack, restored.Database, func(ctx context.Context) error {
		return finds(ctx, s.cloud, t, "SELECT count(*)::text FROM app.books", fmt.Sprint(booksOfThen))
	})
	done.try(ctx, sawNothing, neighbour.ID, func(ctx context.Context) error {
		return finds(ctx, s.cloud, neighbour, "SELECT text FROM app.newest", neighboursOf)
	})
	done.try(ctx, filesBeside, fmt.Sprintf("%d files in %s", restored.Files, strings.TrimSuffix(restored.Folder, "/")), func(ctx context.Context) error {
		return s.readsBoth(ctx, t, restored.Folder)
	})
	return s.verdict(ctx, done)
}

// backedUp waits until all that was written until now is in the backups of a tenant's database host, and returns the latest
// time that it can be restored to: that which comes after another has begun to be archived since.
func (s show) backedUp(ctx context.Context, t Tenant) (latest time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.Patience)
	defer cancel()
	for moved := 0; moved < 2; {
		instance, err := instanceOf(ctx, s.cloud, t)
		if err != nil {
			return latest, err
		}
		now := aws.ToTime(instance.LatestRestorableTime)
		if !latest.IsZero() && now.After(latest) {
			moved++
		}
		latest = now
		if err := awsclient.Sleep(ctx, backLook); err != nil {
			return latest, fmt.Errorf("wait for backups: %w", err)
		}
	}
	return latest.UTC(), nil
}

// neighbours are a tenant and another on the same database host. Where none shares one, customers sign up until one does.
func (s show) neighbours(ctx context.Context, tenants []Tenant) (t, neighbour Tenant, err error) {
	beside := tenants
	for n := 1; ; n++ {
		if t, neighbour, shared := sharing(tenants, beside); shared {
			return t, neighbour, nil
		}
		if n > comeMost {
			return t, neighbour, fmt.Errorf("none of %d customers who signed up came to the database host of another", comeMost)
		}
		came, err := s.signUp(ctx, fmt.Sprintf("neighbour-%d", n), Machine(comesFrom+n))
		if err != nil {
			return t, neighbour, err
		}
		beside = append(slices.Clone(beside), came)
	}
}

// sharing is a tenant that shares its database host, and with whom.
func sharing(tenants, others []Tenant) (t, neighbour Tenant, ok bool) {
	for _, t := range tenants {
		for _, o := range others {
			if o.ID != t.ID && o.Ready.Database.Host == t.Ready.Database.Host && o.Ready.Database.Port == t.Ready.Database.Port {
				return t, o, true
			}
		}
	}
	return Tenant{}, Tenant{}, false
}

// readsBoth wants a tenant's file to be there twice: as it is, and as it was.
func (s show) readsBoth(ctx context.Context, t Tenant, folder string) error {
	client, err := mountPatiently(ctx, s.cloud, t)
	if err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	defer func() { _ = client.Close() }()
	for _, name := range []string{"note.txt", folder + "note.txt"} {
		text, err := client.ReadFile(ctx, name)
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		if err := wrote(t, string(text)); err != nil {
			return err
		}
	}
	return nil
}

// execute runs a statement as a tenant.
func execute(ctx context.Context, cloud Cloud, t Tenant, statement string) error {
	conn, err := Connect(ctx, cloud, t.credentials)
	if err != nil {
		return fmt.Errorf("connect as %s: %w", t.ID, err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, statement); err != nil {
		return fmt.Errorf("run a statement as %s: %w", t.ID, err)
	}
	return nil
}

// finds wants a tenant's query to find a text.
func finds(ctx context.Context, cloud Cloud, t Tenant, query, want string) error {
	conn, err := Connect(ctx, cloud, t.credentials)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	var text string
	if err := conn.QueryRow(ctx, query).Scan(&text); err != nil {
		return fmt.Errorf("read: %w", err)
	}
	if text != want {
		return fmt.Errorf("read %q, not %q", text, want)
	}
	return nil
}
