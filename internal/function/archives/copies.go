package archives

import (
	"context"

	"golang.org/x/sync/errgroup"

	"headroom/internal/pool"
)

// copiesMost is how many objects are copied at once: each copy is two requests of tens of milliseconds, so one after the
// other a million files would take a day.
const copiesMost = 32

// Copies makes copies of versions, some at once. After the first that fails no other is begun.
func (b Bucket) Copies(ctx context.Context, bucket string, copies []pool.ObjectCopy) error {
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(copiesMost)
	for _, c := range copies {
		work.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err // of another
			}
			return b.Copy(ctx, bucket, c)
		})
	}
	return work.Wait()
}
