package pool

import (
	"fmt"
	"slices"
	"time"
)

// Loss is a gateway that was given up for another over the same buckets. What it had acknowledged and not uploaded is in no bucket. It
// stands in the record of its host from the write on that moves this to the other gateway, so nobody who asks the other one whether
// all is uploaded can miss it.
type Loss struct {
	Gateway string    // its ID
	At      time.Time // when it was fenced off from its buckets
	Amount  string    // how much it had not uploaded, of all of its shares, in words
	Shares  []LossOf  // that tenants had of it
}

// LossOf is what may be lost of one share.
type LossOf struct {
	Index      int
	Generation int
	Tenant     TenantID
	Files      string // those that failed to upload, as a report named them, in words; empty: none did
}

// lossesKept is how many gateways that were given up a host's record knows: more than a host can wear out while tenants have shares
// of it, and few enough for a record.
const lossesKept = 10

// lose is a host whose gateway a repair has given up, with what may be lost by that of the shares that are tenants'. What was lost of
// slots that are others' by now is forgotten.
func (h Host) lose(r Repair) Host {
	loss := Loss{Gateway: h.Access.GatewayID(), Amount: r.seenOf(h).Amount(r.Quiet)}
	for _, p := range r.Proofs {
		if p.Step == StepFence {
			loss.At = p.At
		}
	}
	for _, s := range h.Slots {
		if !s.held() {
			continue
		}
		of := LossOf{Index: s.Index, Generation: s.Generation, Tenant: s.Tenant}
		for _, named := range r.seenOf(h).Named {
			if named.Slot == s.Index {
				of.Files = named.words()
			}
		}
		loss.Shares = append(loss.Shares, of)
	}
	if h.Losses = h.forgetLosses(); len(loss.Shares) == 0 {
		return h
	}
	h.Losses = append(h.Losses, loss)
	h.Losses = h.Losses[max(0, len(h.Losses)-lossesKept):]
	return h
}

// forgetLosses are the losses of a host but for what was lost of slots that are not the same tenants' any more.
func (h Host) forgetLosses() (kept []Loss) {
	for _, l := range h.Losses {
		l.Shares = slices.DeleteFunc(slices.Clone(l.Shares), func(of LossOf) bool {
			s := h.Slot(of.Index)
			return s == nil || s.Generation != of.Generation || s.Tenant != of.Tenant || !s.held() && s.State != SlotQuarantined
		})
		if len(l.Shares) > 0 {
			kept = append(kept, l)
		}
	}
	return kept
}

// Missing is what may be missing of a tenant's files, because the gateway that had acknowledged it was given up.
type Missing struct {
	Gateway string    // its ID
	At      time.Time // when it was given up
	What    string    // in words, which name nobody else's
}

// Missing lists what may be missing of a tenant's share because gateways of the host were given up, the oldest first. last is the
// gateway (its ARN) which says that all which was written is uploaded: what was given up from it on is not missed then, for nobody has
// written since. Empty: nobody says so.
func (h Host) Missing(has Holding, tenant TenantID, last string) (missing []Missing) {
	for _, l := range h.Losses {
		if last != "" && l.Gateway == (Access{Gateway: last}).GatewayID() {
			break
		}
		for _, of := range l.Shares {
			if of.Tenant != tenant || !has.Same(Holding{Host: h.ID, Index: of.Index, Generation: of.Generation}) {
				continue
			}
			what := "of what gateway " + l.Gateway + " had acknowledged and not uploaded, of all of its shares together: " + l.Amount
			if of.Files != "" {
				what += "; of this share " + of.Files + ", that failed to upload"
			}
			missing = append(missing, Missing{Gateway: l.Gateway, At: l.At, What: what})
		}
	}
	return missing
}

// String words what may be missing, for records and proofs.
func (m Missing) String() string {
	return fmt.Sprintf("gateway %s was given up at %s, and what it had not uploaded may be missing", m.Gateway, m.At.UTC().Format(time.RFC3339))
}

// Uploaded is a departure whose share's gateway says that all that was written is in the bucket, and what may be missing all the same:
// the archive is of what the bucket holds, and says so.
func (d Departure) Uploaded(said string, missing []Missing, now time.Time) Departure {
	for _, m := range missing {
		said += "; but " + m.String()
	}
	d = d.Proven(StepArchive, now, said)
	d.Failing = d.Failing.None()
	d.Missing = slices.Clone(missing)
	for _, m := range missing {
		d.History = Append(d.History, Entry{At: now.UTC(), What: "files may be missing", Why: m.String()})
	}
	return d
}
