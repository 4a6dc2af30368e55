package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"

	"headroom/events"
)

// What the chapter of an overload tries.
const (
	toldOnce     = "people are told once, with who uses the host, and what to type next"
	goOn         = "its tenants go on"
	goElsewhere  = "who signs up meanwhile is served by another host"
	overflow     = "overflow"
	overflowFrom = 40 // its machine
)

// overload has the database host of a customer measure its processor as busy all the time, and then no more.
func (s show) overload(ctx context.Context, t Tenant) error {
	s.p.Heading("a database host is overworked")
	crowd, err := NewCrowd(s.cloud, s.o.Tier)
	if err != nil {
		return err
	}
	s.crowd = crowd // which tells no news of before
	said := &board{}
	s.cloud.News(said.hear)
	database, err := instanceOf(ctx, s.cloud, t)
	if err != nil {
		return err
	}
	instance := aws.ToString(database.DBInstanceIdentifier)
	s.p.Line(fmt.Sprintf("instance %s, on which %s has its database, measures its processor as busy all the time", instance, t.ID))
	if err := s.cloud.Strain(instance, true); err != nil {
		return fmt.Errorf("strain %s: %w", instance, err)
	}
	out, err := awaitSaid(ctx, s.crowd, s.p, s.o.Patience, instance+" takes no more tenants",
		func(e events.HostCordoned) bool { return strings.HasSuffix(instance, "-"+e.HostID) })
	if err != nil {
		return err
	}
	if err := s.await(ctx, "people are told of it", func() bool { return len(said.of(out.HostID)) > 0 }); err != nil {
		return err
	}
	s.p.Line("people are notified, in their chat or by their pager:")
	s.p.print("\n" + indented(said.of(out.HostID)[0].Body) + "\n")

	s.p.Line(overflow + " signs up")
	if err := crowd.SignUp(ctx, overflow, Machine(overflowFrom)); err != nil {
		return err
	}
	if err := s.await(ctx, overflow+" has its storage", func() bool { return crowd.Ready(overflow) }); err != nil {
		return err
	}
	served, err := crowd.Tenant(ctx, overflow)
	if err != nil {
		return err
	}
	var done trials
	done.try(ctx, toldOnce, out.HostID, func(context.Context) error { return toldOnceOf(said.of(out.HostID), t) })
	done.try(ctx, goOn, t.ID+" reads its row", func(ctx context.Context) error { return readsRow(ctx, s.cloud, t) })
	done.try(ctx, goElsewhere, overflow, func(ctx context.Context) error {
		other, err := instanceOf(ctx, s.cloud, served)
		if err == nil && aws.ToString(other.DBInstanceIdentifier) == instance {
			err = errors.New("its database is on the same host")
		}
		return err
	})

	if s.crowd, err = NewCrowd(s.cloud, s.o.Tier); err != nil { // which hears of its return only
		return err
	}
	s.p.Line("the load is over")
	if err := s.cloud.Strain(instance, false); err != nil {
		return fmt.Errorf("end the strain of %s: %w", instance, err)
	}
	back := func(e events.HostInService) bool { return e.HostID == out.HostID }
	if _, err := awaitSaid(ctx, s.crowd, s.p, s.o.Patience, out.HostID+" is back in service", back); err != nil {
		return err
	}
	return s.verdict(ctx, done)
}

// toldOnceOf wants one notice, with which a person can act.
func toldOnceOf(notices []News, t Tenant) error {
	if len(notices) != 1 {
		return fmt.Errorf("they were told %d times", len(notices))
	}
	for _, what := range []string{"Runbook:", "Next:", "headroom ", t.ID} {
		if !strings.Contains(notices[0].Body, what) {
			return fmt.Errorf("it says nothing of %q", what)
		}
	}
	return nil
}

// board keeps the notices to people.
type board struct {
	mu      sync.Mutex
	notices []News
}

func (b *board) hear(n News) {
	if n.Kind != NewsNotice {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.notices = append(b.notices, n)
}

// of are the notices about a host, in the order in which they came.
func (b *board) of(host string) []News {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(b.notices), func(n News) bool { return !strings.Contains(n.Text, "host "+host+" ") })
}

// indented is a text of several lines, set off from what is around it.
func indented(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, line := range lines {
		if line != "" {
			lines[i] = "           " + line
		}
	}
	return strings.Join(lines, "\n") + "\n"
}
