package stackcomplete

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// A slot that was taken back as never handed over holds something all the same, or does not stand: nobody gets it, and a person says what
// becomes of it. Those beside it are taken back.
func TestAReturnedSlotThatIsNotAsItWasMadeIsNobodys(t *testing.T) {
	for why, test := range map[string]struct {
		key   pool.Key
		spoil func(w *world, s pool.Slot)
	}{
		"there is something in database":   {dbPool, func(w *world, s pool.Slot) { w.databases.holds = map[string]bool{s.Name: true} }},
		"no database of its mark stands":   {dbPool, func(w *world, s pool.Slot) { w.databases.gone = map[string]bool{s.Name: true} }},
		"there are versions of objects in": {sharePool, func(w *world, s pool.Slot) { w.s3.Hold(pool.BucketName(s.Bucket), "version") }},
		"its bucket is not there": {sharePool, func(w *world, s pool.Slot) {
			_, err := w.s3.DeleteBucket(w.t.Context(), &s3.DeleteBucketInput{Bucket: aws.String(pool.BucketName(s.Bucket))})
			w.must(err)
		}},
	} {
		t.Run(why, func(t *testing.T) {
			w, id, _ := serving(t, &killtest.Life{}, test.key)
			w.tenant("bolt", "share-standard-9", "10.0.0.7")
			w.change(id, func(h pool.Host) pool.Host {
				for i := range h.Slots {
					h.Slots[i].State, h.Slots[i].Since, h.Slots[i].Tenant = pool.SlotReturned, w.now, "bolt"
				}
				return pool.Onward(h, w.now)
			})
			test.spoil(w, w.host(id).Slots[1])
			w.now = w.now.Add(pool.ReturnRest)
			w.watch(id)
			h := w.host(id)
			if h.Slots[0].State != pool.SlotFree || h.Slots[2].State != pool.SlotFree {
				t.Errorf("those beside it are %s and %s", h.Slots[0].State, h.Slots[2].State)
			}
			if s := h.Slots[1]; !s.Doubted() || !strings.Contains(s.Doubt, why) || s.Tenant != "bolt" {
				t.Errorf("it is %+v", s)
			}
		})
	}
}
