package pool

import "time"

// QuotaReading is what AWS says of the account's quotas at one look.
type QuotaReading struct {
	Said map[string]QuotaSaid // by a quota's name
	// Made are the stage's hosts whose stacks stand, and Moving those whose stacks are being made or unmade, or failed at that, and
	// so take anything from nothing to all of what a host takes.
	Made, Moving map[Kind]int
}

// QuotaSaid is what AWS says of one quota.
type QuotaSaid struct {
	Most int    // that the account may have; 0: AWS has no such quota
	Used int    // by whomever
	Why  string // why it could not be read; empty: it was
}

// Read are the quotas as they are since they were read. takes are those that hosts take from, and what a host of each kind takes;
// Most is what a quota is where AWS names none. One that could not be read stays as it was.
func (q Quotas) Read(takes []Quota, r QuotaReading, now time.Time) Quotas {
	read := Quotas{At: now, Version: q.Version}
	for _, quota := range takes {
		quota.Assumed = true
		before, known := q.named(quota.Name)
		if known {
			quota.Else, quota.Read = before.Else, before.Read
			if !before.Assumed {
				quota.Most, quota.Assumed = before.Most, false
			}
		}
		said, asked := r.Said[quota.Name]
		switch {
		case !asked:
			quota.Why = "it is not asked for"
		case said.Why != "":
			quota.Why = said.Why
		default:
			quota = quota.read(said, r, known && !before.Read.IsZero(), now)
		}
		read.Seen = append(read.Seen, quota)
	}
	return read
}

// read notes what AWS said. What others take follows from what is used and what the stage's hosts take of that, which is known
// within bounds only while some are being made or unmade: within them it is as it was before, and the most without a before.
func (q Quota) read(said QuotaSaid, r QuotaReading, before bool, now time.Time) Quota {
	most := said.Used
	for _, k := range Kinds {
		most -= q.Takes(k) * r.Made[k]
	}
	least := most
	for _, k := range Kinds {
		least -= q.Takes(k) * r.Moving[k]
	}
	if before {
		q.Else = min(max(q.Else, least), most)
	} else {
		q.Else = most
	}
	if said.Most > 0 {
		q.Most, q.Assumed = said.Most, false
	}
	q.Read, q.Why = now, ""
	return q
}

func (q Quotas) named(name string) (Quota, bool) {
	for _, quota := range q.Seen {
		if quota.Name == name {
			return quota, true
		}
	}
	return Quota{}, false
}
