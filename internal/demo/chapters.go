package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// ChapterOptions of the chapters that follow the table.
type ChapterOptions struct {
	Dir      string        // where an archive is downloaded to
	Patience time.Duration // how long to wait for each thing
	Tier     string        // of the tenants
	Plan     func(ctx context.Context) (Plan, error)
}

// Chapters shows, of tenants that are ready, what becomes of them later: one leaves, one leaves and stays, the machine
// of one is replaced, one goes back in time, the machine of a gateway is terminated, and a database host is overworked; and what becomes of many who sign up
// at once. The error says what did not hold. It returns the tenants as they are then.
func Chapters(ctx context.Context, cloud Cloud, tenants []Tenant, o ChapterOptions, p *Printer) ([]Tenant, error) {
	crowd, err := NewCrowd(cloud, loneTier)
	if err != nil {
		return nil, err
	}
	s := show{cloud: cloud, crowd: crowd, o: o, p: p}
	if err := s.leaving(ctx); err != nil {
		return nil, failed(ctx, "show how a customer leaves", err)
	}
	if err := s.staying(ctx, tenants[len(tenants)/2]); err != nil {
		return nil, failed(ctx, "show how a customer stays", err)
	}
	if tenants[0], err = s.moving(ctx, tenants[0]); err != nil {
		return nil, failed(ctx, "show how a machine is replaced", err)
	}
	if err := s.goingBack(ctx, tenants); err != nil {
		return nil, failed(ctx, "show how a customer goes back in time", err)
	}
	if err := s.mending(ctx, tenants[0]); err != nil {
		return nil, failed(ctx, "show how a gateway is mended", err)
	}
	if err := s.overload(ctx, tenants[0]); err != nil {
		return nil, failed(ctx, "show how an overload is dealt with", err)
	}
	if err := s.burst(ctx); err != nil {
		return nil, failed(ctx, "show what becomes of a burst", err)
	}
	return tenants, nil
}

// failed is why a chapter was not shown to its end: whatever fails once ctx is over, that is why.
func failed(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// show is what the chapters share.
type show struct {
	cloud Cloud
	crowd *Crowd
	o     ChapterOptions
	p     *Printer
}

// await waits until done says so, and tells the news meanwhile.
func (s show) await(ctx context.Context, what string, done func() bool) error {
	return s.crowd.Await(ctx, what, s.o.Patience, done, func() { s.crowd.Tell(s.p) })
}

// isShutOut tries whether a tenant's password and address are refused at what was or is its own.
func (s show) isShutOut(ctx context.Context, done *trials, kind string, t Tenant) {
	done.try(ctx, kind, t.ID+" with its password is refused at its database", func(ctx context.Context) error {
		return refusedLogin(ctx, s.cloud, t)
	})
	done.try(ctx, kind, t.ID+" from its address is refused at its share", func(ctx context.Context) error {
		return refusedAtShare(ctx, s.cloud, t, t)
	})
}

// refusedLogin holds when a tenant's own role may not log in any more, or is gone.
func refusedLogin(ctx context.Context, cloud Cloud, t Tenant) error {
	conn, err := Connect(ctx, cloud, t.credentials)
	if err == nil {
		_ = conn.Close(ctx)
		return errors.New("it was let in")
	}
	var refusal *pgconn.PgError
	// 28000: the role may not log in; 28P01: it is unknown on that server.
	if !errors.As(err, &refusal) || refusal.Code != "28000" && refusal.Code != "28P01" {
		return fmt.Errorf("it was refused for another reason: %w", err)
	}
	return nil
}

// verdict shows what was tried, unless it was cut short.
func (s show) verdict(ctx context.Context, done trials) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	s.p.print("\n")
	return s.p.verdict(done)
}

// Machine is the address of the n-th of the machines that come later than those of Instance, from 1.
func Machine(n int) string { return fmt.Sprintf("127.21.0.%d", n) }
