package stackcomplete

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"headroom/internal/pool"
)

const (
	// watchWait is between two looks at a doubted host that answers.
	watchWait = 10 * time.Second
	// watchAnswers is how many good answers in a row take the doubt away.
	watchAnswers = 3
)

// watch looks at a cordoned host that is in doubt: whether its stack is there, and whether it answers. Its deadline
// has it looked at again, for as long as it is cordoned. What its alarms say is the pool check's to look at. Of one that is
// drained it closes returned slots: they can't wait until it is in service again.
//
// Count moves with every answer, and its remainder counts the good ones in a row.
func (h *Handler) watch(ctx context.Context, host pool.Host) (progress, error) {
	if host.Closes(h.Now()) {
		return h.closeRested(ctx, host)
	}
	if host.State != pool.HostCordoned || host.Doubt == "" {
		return progress{Leave: true}, nil
	}
	stack, err := h.look(ctx, host)
	if err != nil {
		return progress{}, err
	}
	host = host.Clone()
	switch stack.Status {
	case deleteComplete:
		p, _, err := h.judge(host, stack)
		return p, err
	case deleteInProgress, deleteFailed:
		host.Progress = host.Failed(fmt.Errorf("its stack is in status %s: %s", stack.Status, stack.Reason))
		host.Count = (host.Count/watchAnswers + 1) * watchAnswers
		return progress{Record: host, Wait: pool.Deadline(pool.StepWatch)}, nil
	}
	if err := h.answers(ctx, host); err != nil {
		host.Count = (host.Count/watchAnswers + 1) * watchAnswers
		return progress{Record: host, Wait: pool.Deadline(pool.StepWatch) / 2, Because: err}, nil
	}
	if host.Count++; host.Count%watchAnswers != 0 {
		return progress{Record: host, Wait: watchWait}, nil
	}
	host, err = pool.Trusted(host, h.Now(), fmt.Sprintf("it answered %d times in a row; before, %s", watchAnswers, host.Doubt))
	if err != nil {
		return progress{}, fmt.Errorf("put host %s back into service: %w", host.ID, err)
	}
	return progress{Record: host}, nil
}

// answers asks a host whether it is there: a database server for a login, a gateway whether it runs, and answers NFS clients:
// one that hangs may be running for an hour yet.
func (h *Handler) answers(ctx context.Context, host pool.Host) error {
	if host.Kind == pool.Share {
		if err := h.Gateways.Running(ctx, host.Access.Gateway); err != nil {
			return err
		}
		return h.Prober.Null(ctx, host.Access.Appliance)
	}
	return h.asMaster(ctx, host, func(login pool.Login) error { return h.Databases.Ping(ctx, login) })
}

// closeReturned closes the slots that were taken from tenants again, once they have rested, and puts them back
// into the reserve. Those that rest still are closed later.
func (h *Handler) closeReturned(ctx context.Context, host pool.Host) (progress, error) {
	if host.State != pool.HostInService {
		return progress{Leave: true}, nil
	}
	return h.closeRested(ctx, host)
}

// closeRested closes the slots of a host that have rested since they were returned.
func (h *Handler) closeRested(ctx context.Context, host pool.Host) (progress, error) {
	now := h.Now()
	host = host.Clone()
	for i := range host.Slots {
		slot := &host.Slots[i]
		if !slot.Rested(now) {
			continue
		}
		err := h.closeSlot(ctx, host, *slot)
		if err != nil {
			return progress{}, fmt.Errorf("close slot %d of %s, which was returned: %w", slot.Index, host.ID, err)
		}
		why, err := h.astray(ctx, host, *slot)
		switch {
		case err != nil:
			return progress{}, fmt.Errorf("look into slot %d of %s, which was returned: %w", slot.Index, host.ID, err)
		case why == "":
			*slot, err = pool.Reuse(*slot, now)
		default:
			h.Log.ErrorContext(ctx, "slot that was returned is not as it was made", "host", host.ID, "slot", slot.Index, "tenant", slot.Tenant, "why", why)
			*slot, err = pool.DoubtReturned(*slot, why, now)
		}
		if err != nil {
			return progress{}, err
		}
	}
	return progress{Record: pool.Onward(host, now)}, nil
}

// astray says why a slot that is closed is not as it was made; empty: it is. Nobody was told of it who could have put anything in: should a
// record be wrong about that, the next tenant must not find it.
func (h *Handler) astray(ctx context.Context, host pool.Host, slot pool.Slot) (why string, err error) {
	if host.Kind == pool.Share {
		why, err = h.Empties.Found(ctx, slot.Bucket)
		if errors.Is(err, pool.ErrNotFound) {
			return "its bucket is not there", nil
		}
		return why, err
	}
	err = h.asMaster(ctx, host, func(login pool.Login) error {
		found, err := h.Databases.Found(ctx, login)
		at := slices.IndexFunc(found, func(d pool.FoundDatabase) bool { return d.Name == slot.Name && d.Mark == host.SlotMark(slot) })
		switch {
		case err != nil:
			return err
		case at < 0:
			why = "no database of its mark stands"
		case found[at].Holds:
			why = "there is something in database " + pool.DatabaseName(slot.Name)
		}
		return nil
	})
	return why, err
}

// closeSlot closes a slot to everybody: the role of a database can't log in, the share has no client.
func (h *Handler) closeSlot(ctx context.Context, host pool.Host, slot pool.Slot) error {
	if host.Kind == pool.Database {
		return h.asMaster(ctx, host, func(login pool.Login) error { return h.Databases.Close(ctx, login, slot.Name) })
	}
	share := pool.ShareRef{Gateway: host.Access.Gateway, ID: slot.Share}
	if err := h.Access.Shut(ctx, share, h.Nobody); err != nil {
		return err
	}
	if err := h.putOut(ctx, host, slot.Tenant); err != nil {
		return err
	}
	return h.Gateways.Tag(ctx, share, map[string]string{"headroom:state": "Available", "headroom:tenant": ""})
}
