package pool

import (
	"math"
	"time"
)

const (
	// roundMinutes is how many minutes there are at most between two looks at a host of a pool.
	roundMinutes = 10
	// roundMost bounds how many numbers of a pool have their turn in a minute; whose hosts are gone costs a hundredth of a request.
	// A pool that has come to more than ten thousand is gone round slower.
	roundMost = 1000
)

// Round names the hosts of a pool whose turn it is to be looked at in a minute: one in a pool of up to ten, and a tenth of a larger
// one, so that each is looked at every ten minutes at least. Some may be no hosts any more; a pool that never had any has none.
func Round(r Record, now time.Time) []HostID {
	if r.Seq < 1 {
		return nil
	}
	each := int(math.Ceil(float64(r.Seq) / roundMost))
	every := min(r.Seq, max(roundMinutes, each))
	ids := make([]HostID, 0, r.Seq/every+1)
	for n := int(now.Unix() / 60 % int64(every)); n < r.Seq; n += every {
		ids = append(ids, r.Key.Host(n+1))
	}
	return ids
}
