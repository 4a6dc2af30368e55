package poolcheck

import (
	"testing"

	"headroom/internal/pool"
)

func TestALimitOfTenantsThatIsLoweredOrdersWhatIsReallyMissing(t *testing.T) {
	const slots, limit, full = 20, 10, 4
	for name, test := range map[string]struct {
		empty  int // hosts
		buffer int
		want   int // hosts to be ordered
	}{
		"a few hosts can give enough from the shelf":              {3, 30, 0},
		"more hosts than lie on the shelf can give enough":        {8, 80, 0},
		"the limit is reached on the hosts that lie on the shelf": {3, 31, 1},
		"the limit is reached":                                    {8, 81, 1},
		"the limit is reached by more than one host":              {8, 91, 2},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			for range full {
				w.change(w.add(databases, slots), func(h pool.Host) pool.Host {
					for i := range h.Slots {
						h.Slots[i].State = pool.SlotAssigned
					}
					return h
				})
			}
			for range test.empty {
				w.add(databases, slots)
			}
			w.want(databases, func(p *pool.Policy) {
				p.SlotsPerHost, p.TenantsPerHost, p.BufferSlots, p.Ceiling, p.MaxOrders = slots, limit, test.buffer, 20, 5
			})
			for range 3 {
				w.must(w.check())
			}
			if got := w.stacks.Count(); got != test.want {
				t.Errorf("%d hosts were ordered, %d are wanted", got, test.want)
			}
			if got, want := len(w.shelf().Databases), min(limit*min(test.empty, pool.ShelfHosts), pool.ShelfSize); got != want {
				t.Errorf("%d slots were set out, want %d", got, want)
			}
		})
	}
}
