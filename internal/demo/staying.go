package demo

import (
	"context"
	"fmt"

	"headroom/events"
)

const unchanged = "a departure that is undone changes nothing: same database, path and password"

// staying has a customer leave, and have it undone once it is archived.
func (s show) staying(ctx context.Context, t Tenant) error {
	s.p.Heading("another customer leaves too, and has it undone")
	s.p.Line(t.ID + " leaves, by one message on the decommission queue")
	if err := s.crowd.Leave(ctx, t.ID, "its contract ended", ""); err != nil {
		return err
	}
	_, err := awaitSaid(ctx, s.crowd, s.p, s.o.Patience, t.ID+" is shut out", func(e events.TenantClosed) bool { return e.TenantID == t.ID })
	if err != nil {
		return err
	}
	var done trials
	s.isShutOut(ctx, &done, shutOut, t)
	if err := s.await(ctx, t.ID+" is archived", func() bool { return s.crowd.Archived(t.ID) }); err != nil {
		return err
	}
	s.p.Line("that was a mistake: " + t.ID + " stays, by another message")
	if err := s.crowd.Undo(ctx, t.ID, "a mistake"); err != nil {
		return err
	}
	_, err = awaitSaid(ctx, s.crowd, s.p, s.o.Patience, t.ID+" is let in again", func(e events.TenantReopened) bool { return e.TenantID == t.ID })
	if err != nil {
		return err
	}
	done.try(ctx, unchanged, t.ID+" reads its row", func(ctx context.Context) error { return readsRow(ctx, s.cloud, t) })
	done.try(ctx, unchanged, t.ID+" reads its file", func(ctx context.Context) error { return readsFile(ctx, s.cloud, t) })
	return s.verdict(ctx, done)
}

// readsRow wants a tenant to find what useDatabase has written.
func readsRow(ctx context.Context, cloud Cloud, t Tenant) error {
	conn, err := Connect(ctx, cloud, t.credentials)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	var text string
	if err := conn.QueryRow(ctx, "SELECT text FROM app.note LIMIT 1").Scan(&text); err != nil {
		return fmt.Errorf("read: %w", err)
	}
	return wrote(t, text)
}

// readsFile wants a tenant to find what useShare has written.
func readsFile(ctx context.Context, cloud Cloud, t Tenant) error {
	client, err := mountPatiently(ctx, cloud, t)
	if err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	defer func() { _ = client.Close() }()
	text, err := client.ReadFile(ctx, "note.txt")
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	return wrote(t, string(text))
}

// wrote wants a text to be what a tenant has written.
func wrote(t Tenant, text string) error {
	if text != t.ID {
		return fmt.Errorf("read %q, wrote %q", text, t.ID)
	}
	return nil
}
