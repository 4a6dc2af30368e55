package pool_test

import (
	"testing"
	"time"

	"headroom/internal/pool"
)

func TestALeadTimeCountsTheTriesThatFailed(t *testing.T) {
	p, r := policy(pool.Pack, 0), pool.Record{Key: shares}
	at := func(minutes int) time.Time { return now.Add(time.Duration(minutes) * time.Minute) }
	order := func(minutes int) pool.Host {
		h := pool.Order(r, p, "headroom-dev-", "k3v9x2m7qa", at(minutes), "test")
		r = r.Ordered(h)
		return h
	}
	first, other := order(0), order(2)
	r = r.Note(pool.Failed, other, at(5))
	r = r.Note(pool.Failed, first, at(6))
	second := order(8) // replaces the one that is missing for longest
	diff(t, "decided on", second.DecidedAt, at(0))
	diff(t, "still owed", r.Owed, []pool.Owed{{DecidedAt: at(2), FailedAt: at(5)}})
	r = r.Note(pool.Failed, second, at(20))
	third := order(23)
	diff(t, "decided on after two failures", third.DecidedAt, at(0))
	r = r.Note(pool.Succeeded, third, at(40))
	diff(t, "lead times", r.Leads, []pool.Lead{{At: at(40), Took: 40 * time.Minute}})
	diff(t, "numbers used", r.Seq, 4)

	late := order(60 * 24)
	diff(t, "what is ordered a day later replaces nothing", late.DecidedAt, at(60*24))
	diff(t, "owed then", r.Owed, []pool.Owed(nil))
}

func TestWhatIsNotedMovesARecordsCount(t *testing.T) {
	r := pool.Record{Key: shares}
	h := pool.Order(r, policy(pool.Pack, 0), "headroom-dev-", "k3v9x2m7qa", now, "test")
	for _, step := range []struct {
		name string
		do   func(pool.Record) pool.Record
		by   int64
	}{
		{"an order", func(r pool.Record) pool.Record { return r.Ordered(h) }, 1},
		{"something neutral", func(r pool.Record) pool.Record { return r.Note(pool.Neutral, h, now) }, 0},
		{"a failure", func(r pool.Record) pool.Record { return r.Note(pool.Failed, h, now) }, 1},
		{"a success", func(r pool.Record) pool.Record { return r.Note(pool.Succeeded, h, now) }, 1},
	} {
		before := r.Noted
		r = step.do(r)
		diff(t, step.name, r.Noted-before, step.by)
	}
}

func TestAnOrderByAClockThatIsBehindReplacesNothing(t *testing.T) {
	owed := []pool.Owed{{DecidedAt: now.Add(time.Minute), FailedAt: now.Add(2 * time.Minute)}}
	r := pool.Record{Key: shares, Owed: owed}
	h := pool.Order(r, policy(pool.Pack, 0), "headroom-dev-", "k3v9x2m7qa", now, "test")
	diff(t, "decided on", h.DecidedAt, now)
	diff(t, "still owed", r.Ordered(h).Owed, owed)
}

func TestWhatAPoolOwesIsBounded(t *testing.T) {
	r := pool.Record{Key: shares}
	for i := range 150 {
		r = r.Note(pool.Failed, pool.Host{DecidedAt: now.Add(time.Duration(i) * time.Second)}, now.Add(time.Minute))
	}
	diff(t, "owed", len(r.Owed), 100)
	diff(t, "the first of it", r.Owed[0].DecidedAt, now.Add(50*time.Second))
}
