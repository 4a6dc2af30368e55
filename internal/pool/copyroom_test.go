package pool_test

import (
	"strings"
	"testing"

	"headroom/internal/pool"
)

func TestACopyLeavesRoomToWriteOn(t *testing.T) {
	const gib = 1 << 30
	for _, test := range []struct {
		free, size int64
		refused    bool
	}{
		{6 * gib, 4 * gib, false},
		{6*gib - 1, 4 * gib, true},
		{gib, 0, false},
		{0, 0, true},
		{-1, gib, true},
	} {
		if why := pool.CopyRefused(test.free, test.size); (why != "") != test.refused {
			t.Errorf("%d free for %d: %q", test.free, test.size, why)
		}
	}
	if why := pool.CopyRefused(2*gib, 4*gib); !strings.Contains(why, "6144 MiB") || !strings.Contains(why, "2048 MiB free") {
		t.Errorf("it is said so: %q", why)
	}
}
