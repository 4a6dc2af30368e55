package pool

import "testing"

func TestMarksOfSlotsAreRead(t *testing.T) {
	h := Host{ID: "database-standard-7", Mark: "order"}
	host, order, index, generation, ok := ParseSlotMark(h.SlotMark(Slot{Index: 3, Generation: 2}))
	if host != h.ID || order != h.Mark || index != 3 || generation != 2 || !ok {
		t.Errorf("read %s %s %d %d %v", host, order, index, generation, ok)
	}
	for _, mark := range []string{"", "a/b/1/1", "database-standard-7/order/3", "database-standard-7/order/3/2/before-1", "database-standard-7/order/0/2", "database-standard-7/order/3/x"} {
		if _, _, _, _, ok := ParseSlotMark(mark); ok {
			t.Errorf("%q is read as the mark of a slot", mark)
		}
	}
}
