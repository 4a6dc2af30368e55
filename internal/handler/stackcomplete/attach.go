package stackcomplete

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/internal/pool"
)

// attacher attaches volumes to machines. It may show for a while what was before a change.
type attacher interface {
	Attachment(ctx context.Context, volume string) (pool.Attachment, error)
	Attach(ctx context.Context, volume, machine, device string) error
	FindVolumes(ctx context.Context, tags map[string]string) ([]pool.Volume, error)
	DeleteVolume(ctx context.Context, volume string) error
}

const (
	attachWait = 3 * time.Second // between two looks at a volume that is on its way
	// cacheDevice is where a gateway has its cache disk.
	cacheDevice = "/dev/sdf"
)

// attach gives a gateway's machine its cache disk, before the gateway is activated: it looks where the
// disk is, asks for what is missing, and looks again until it is there. A disk that another machine has
// is nothing to take: what is on it may be on its way to a bucket.
func (h *Handler) attach(ctx context.Context, host pool.Host) (progress, error) {
	cache, machine := host.Access.Cache, host.Access.Machine
	at, err := h.Machines.Attachment(ctx, cache)
	if err == nil && at.Machine == "" {
		// Killed after this, the next look finds it on its way. A look that came too early for that has it
		// asked for again, which is refused as in transit.
		err = h.Machines.Attach(ctx, cache, machine, cacheDevice)
		at.Machine = machine
	}
	switch {
	case errors.Is(err, pool.ErrInTransit):
		return progress{Record: host, Wait: attachWait, Because: err}, nil
	case errors.Is(err, pool.ErrNotFound):
		return progress{}, fmt.Errorf("machine %s or its cache disk %s is gone: %w", machine, cache, err)
	case err != nil:
		return progress{}, err
	case at.Machine != machine:
		return progress{}, fmt.Errorf("cache disk %s is at machine %s, and not at %s", cache, at.Machine, machine)
	case !at.Done:
		return progress{Record: host, Wait: attachWait}, nil
	}
	return progress{Record: pool.Begin(host, pool.StepBoot, h.Now())}, nil
}
