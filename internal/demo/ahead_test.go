package demo

import (
	"testing"
	"time"

	"headroom/events"
)

func TestTheSecondGatewayMustBeOrderedAheadOfNeed(t *testing.T) {
	at := func(seconds int) time.Time { return time.Date(2026, 1, 2, 3, 4, seconds, 0, time.UTC) }
	for name, test := range map[string]struct {
		tenants       int
		ordered       map[string]time.Time
		tried, proven bool
	}{
		"before the first is full": {3, map[string]time.Time{"share-standard-2": at(2)}, true, true},
		"when the first is full":   {3, map[string]time.Time{"share-standard-2": at(3)}, true, false},
		"never":                    {3, nil, true, false},
		"another tier's":           {3, map[string]time.Time{"share-gold-2": at(1)}, true, false},
		"with fewer tenants":       {2, nil, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := &Crowd{tier: "standard", hosts: map[string]host{"share-standard-1": {slots: 3}}, tenants: map[string]*Tenant{}}
			for id, at := range test.ordered {
				c.hosts[id] = host{ordered: at}
			}
			for n := range test.tenants {
				c.tenants[Name(n)] = &Tenant{Took: time.Second, Ready: events.StorageReady{ReadyAt: events.At(at(n + 1))}}
			}
			proof, tried := c.aheadOfNeed()
			if tried != test.tried || tried && (proof.Err == nil) != test.proven {
				t.Errorf("tried %v, %s: %v", tried, proof.What, proof.Err)
			}
		})
	}
}
