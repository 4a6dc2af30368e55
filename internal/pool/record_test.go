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
