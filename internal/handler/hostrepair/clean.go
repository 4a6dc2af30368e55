package hostrepair

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"headroom/internal/pool"
)

const (
	cleanWait = time.Minute // between two looks at what is not uploaded
	// uncleanTold is how it begins what people are told of it.
	uncleanTold = "what its gateway acknowledged is not all uploaded"
)

// clean waits, before a change that a person wants stops the machine, until what the gateway acknowledged is uploaded, as AWS wants it
// ("Replacing your existing S3 File Gateway" in its user guide: no writers, CachePercentDirty 0, FilesFailingUpload 0). Its tenants go
// on writing, so that may never be: once the step's time is over it goes on, and says so, for the cache is kept.
func (h *Handler) clean(ctx context.Context, host pool.Host, r pool.Repair) (mending, error) {
	on := func(what string) (mending, error) {
		return mending{Record: r.Proven(r.After(), h.Now(), what)}, nil
	}
	m, err := h.machineOf(ctx, r)
	if err != nil {
		return mending{}, err
	}
	if m.State != pool.MachineRunning {
		return on("before it was changed its machine did not run, and what was not uploaded is on its cache")
	}
	over := r.Tries > 0 || !h.Now().Before(r.Due)
	u, err := h.Measures.Unuploaded(ctx, host.Access.GatewayID(), host.Stack.Name)
	switch {
	case err != nil && over:
		return on("before it was changed what it had not uploaded could not be read, and is on its cache: " + err.Error())
	case err != nil:
		return mending{}, err
	case !u.Fresh(h.Now()):
		return on("before it was changed nothing was measured lately of what it had not uploaded, which is on its cache")
	case u.Clean():
		return on("before it was changed all that it had acknowledged was uploaded")
	}
	seen := fmt.Sprintf("%.1f per cent of its cache, and %d files fail to upload", u.Dirty, u.Failing)
	if over {
		return on("it was changed although not all was uploaded that it had acknowledged, which is on its cache: " + seen)
	}
	if !strings.HasPrefix(r.Told, uncleanTold) {
		why := fmt.Sprintf("%s (%s): that is waited for, %s at most", uncleanTold, seen, pool.Deadline(pool.StepClean))
		if err := h.Announce.RepairWaits(ctx, host, r, why, false); err != nil {
			return mending{}, err
		}
		r = r.Clone()
		r.Told = why
	}
	return mending{Record: r, Wait: cleanWait, Because: errors.New(uncleanTold + ": " + seen)}, nil
}
