package poolcheck

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"headroom/events"
	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// hear notes what RDS says of the instance of a host, and has people told of what nothing else would tell. What follows for
// the host, the look at its status says.
func (h *Handler) hear(ctx context.Context, d events.Delivery) error {
	var event events.Envelope[events.InstanceEvent]
	if err := events.Decode([]byte(d.Body), &event); err != nil {
		h.Log.WarnContext(ctx, "event of RDS can't be read", "messageId", d.ID, "error", err)
		return nil // the check looks all the same
	}
	name, ours := strings.CutPrefix(event.Detail.SourceIdentifier, h.StackPrefix)
	id := pool.HostID(name)
	if _, _, err := id.Parse(); err != nil || !ours {
		return nil
	}
	news, now := pool.InstanceNews{Event: event.Detail.EventID, Message: event.Detail.Message, At: event.Time.Time}, h.Now()
	host, err := h.Ledger.Host(ctx, id)
	if errors.Is(err, pool.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read host %s, of which RDS says %s: %w", id, news.Event, err)
	}
	if _, changed := pool.NoteNews(host, news, now); !changed {
		return nil
	}
	// Before it is noted, so that killed after this it is told again.
	if err := h.Announce.InstanceNews(ctx, host, news); err != nil {
		return err
	}
	// Commit point: it is heard.
	_, _, err = ledger.UpdateHost(ctx, h.Ledger, id, now, func(host pool.Host) (pool.Host, pool.Outcome, error) {
		after, changed := pool.NoteNews(host, news, now)
		if !changed {
			return host, pool.Neutral, ledger.ErrUnchanged
		}
		return after, pool.Neutral, nil
	})
	if err != nil {
		return fmt.Errorf("note what RDS says of %s: %w", id, err)
	}
	return nil
}
