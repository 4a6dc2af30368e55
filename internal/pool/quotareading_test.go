package pool_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"headroom/internal/pool"
)

var takesOf = []pool.Quota{{Name: "iam-roles", Share: 10}, {Name: "alarms", Most: 5000, Database: 5, Share: 6}}

func reading(roles, alarms pool.QuotaSaid, made, moving int) pool.QuotaReading {
	return pool.QuotaReading{
		Said: map[string]pool.QuotaSaid{"iam-roles": roles, "alarms": alarms},
		Made: map[pool.Kind]int{pool.Share: made}, Moving: map[pool.Kind]int{pool.Share: moving},
	}
}

func TestWhatIsReadOfQuotasIsKept(t *testing.T) {
	q := pool.Quotas{}.Read(takesOf, reading(pool.QuotaSaid{Most: 1000, Used: 75}, pool.QuotaSaid{Used: 60}, 4, 0), now)
	roles, alarms := q.Seen[0], q.Seen[1]
	if roles.Most != 1000 || roles.Assumed || roles.Else != 35 || !roles.Read.Equal(now) || roles.Used(map[pool.Kind]int{pool.Share: 5}) != 85 {
		t.Errorf("roles: %+v", roles)
	}
	if alarms.Most != 5000 || !alarms.Assumed || alarms.Else != 36 {
		t.Errorf("alarms, of which AWS names no quota: %+v", alarms)
	}
	later := now.Add(time.Hour)
	q = q.Read(takesOf, reading(pool.QuotaSaid{Why: "AccessDenied"}, pool.QuotaSaid{Used: 66}, 5, 0), later)
	if r := q.Seen[0]; r.Most != 1000 || r.Else != 35 || !r.Read.Equal(now) || r.Why != "AccessDenied" {
		t.Errorf("roles, which could not be read again: %+v", r)
	}
	if a := q.Seen[1]; !a.Read.Equal(later) || a.Why != "" || a.Else != 36 {
		t.Errorf("alarms: %+v", a)
	}
	q = q.Read(takesOf, reading(pool.QuotaSaid{Most: 2000, Used: 70}, pool.QuotaSaid{}, 5, 0), later)
	if r := q.Seen[0]; r.Most != 2000 || r.Else != 20 || r.Why != "" {
		t.Errorf("roles, raised: %+v", r)
	}
	q = q.Read(takesOf, pool.QuotaReading{}, later)
	if r := q.Seen[0]; r.Most != 2000 || r.Why == "" {
		t.Errorf("roles, of which nothing is said: %+v", r)
	}
}

// While hosts are being made, what they have by now is not known; others are not counted short for that, nor for longer than it lasts
// too many.
func TestOthersOfTheAccountAreCountedThoughHostsAreBeingMade(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := func(name string, most int) int { return rapid.IntRange(0, most).Draw(t, name) }
		others, q := n("others", 50), pool.Quotas{}
		for range 1 + n("readings", 5) {
			made, moving := n("made", 9), n("moving", 9)
			used := others + 10*made + n("of those that move", 10*moving)
			q = q.Read(takesOf[:1], reading(pool.QuotaSaid{Most: 1000, Used: used}, pool.QuotaSaid{}, made, moving), now)
			if e := q.Seen[0].Else; e < others || e > others+10*moving && e > used-10*made || moving == 0 && e != others {
				t.Fatalf("%d others count as %d", others, e)
			}
		}
		hosts := map[pool.Kind]int{pool.Share: 30}
		if q.Seen[0].Used(hosts) < others+300 {
			t.Fatalf("all hosts and %d others: %+v", others, q.Seen[0])
		}
	})
}
