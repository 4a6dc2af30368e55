package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/internal/pool"
)

// noteTime is how long noting a step's error may take when the step took all of its message's time. It is
// less than what a message has to end in then (function.Batch).
const noteTime = 400 * time.Millisecond

// Note keeps the error that a step ended with, for people who ask why its record is stuck, and returns it.
// save writes the record as it was read, with its progress Failed. An error that is known already is not
// written again; and that another invocation writes the record at the same time is no matter: the step is
// not done, and its next try notes what it ends with.
func Note(ctx context.Context, p pool.Progress, failure error, save func(context.Context) error) error {
	if p.Failed(failure).Error == p.Error {
		return failure
	}
	ctx, cancel := Afterwards(ctx)
	defer cancel()
	if err := save(ctx); err != nil && !errors.Is(err, pool.ErrConflict) {
		return errors.Join(failure, fmt.Errorf("note why: %w", err))
	}
	return failure
}

// Afterwards is a context for what is to be recorded of a step that may have taken all the time of its message, as
// what does not answer does: when ctx is over, there is a moment left.
func Afterwards(ctx context.Context) (context.Context, context.CancelFunc) {
	if ctx.Err() == nil {
		return ctx, func() {}
	}
	return context.WithTimeout(context.WithoutCancel(ctx), noteTime)
}
