package pool

import "time"

// Round names the host of a pool whose turn it is to be looked at: one a minute, each after the other, so that each is looked
// at every so many minutes as the pool ever had hosts. ok is false when it never had any. There may be no such host any more.
func Round(r Record, now time.Time) (id HostID, ok bool) {
	if r.Seq < 1 {
		return "", false
	}
	minute := now.Unix() / 60
	return r.Key.Host(int(minute%int64(r.Seq)) + 1), true
}
