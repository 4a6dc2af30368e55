package stackcomplete

import (
	"strings"
	"testing"

	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// A slot that was taken back as never handed over holds something all the same: nobody gets it, and a person says whose that is.
func TestAReturnedSlotThatHoldsSomethingIsNobodys(t *testing.T) {
	for _, key := range []pool.Key{dbPool, sharePool} {
		t.Run(string(key.Kind), func(t *testing.T) {
			w, id, _ := serving(t, &killtest.Life{}, key)
			w.tenant("bolt", "share-standard-9", "10.0.0.7")
			w.change(id, func(h pool.Host) pool.Host {
				for i := range h.Slots {
					h.Slots[i].State, h.Slots[i].Since, h.Slots[i].Tenant = pool.SlotReturned, w.now, "bolt"
				}
				return pool.Onward(h, w.now)
			})
			slot := w.host(id).Slots[1]
			w.databases.holds = map[string]bool{slot.Name: true}
			if key == sharePool {
				w.s3.Hold(pool.BucketName(slot.Bucket), "version")
			}
			w.now = w.now.Add(pool.ReturnRest)
			w.watch(id)
			h := w.host(id)
			if s := h.Slots[0]; s.State != pool.SlotFree {
				t.Errorf("the slot beside it is %s", s.State)
			}
			if s := h.Slots[1]; s.State != pool.SlotQuarantined || !strings.Contains(s.Doubt, "holds something") || s.Tenant != "bolt" {
				t.Errorf("it is %+v", s)
			}
		})
	}
}
