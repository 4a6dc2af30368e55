// Package archives wires what archives are made of: objects, dumps, and what a task needs besides.
package archives

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/adapter/objects"
	"headroom/internal/pool"
)

// abortWait bounds how long it takes to abort an upload once the task is being stopped.
const abortWait = 15 * time.Second

// Bucket are objects that are also stored whole or not at all.
type Bucket struct{ *objects.Objects }

// Objects makes the adapter of all buckets. A part of an upload is on its way while the next is filled.
func Objects(cfg aws.Config) (Bucket, error) {
	adapter, err := objects.New(objects.Config{
		Client: s3.NewFromConfig(awsclient.Bulk(cfg)), Sleep: awsclient.Sleep, Jitter: awsclient.Jitter,
		Start: func(run func()) { go run() },
	})
	return Bucket{adapter}, err
}

// Store makes an object of what write writes, some expected number of bytes. Until write returns nil there is none;
// when it returns an error there will be none.
func (b Bucket) Store(ctx context.Context, spec pool.ObjectSpec, expect int64, write func(io.Writer) error) (pool.StoredObject, error) {
	upload, err := b.Upload(ctx, spec, expect)
	if err != nil {
		return pool.StoredObject{}, err
	}
	if err = write(upload); err == nil {
		var stored pool.StoredObject
		if stored, err = upload.Complete(ctx); err == nil {
			return stored, nil
		}
	}
	abort, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortWait)
	defer cancel()
	return pool.StoredObject{}, errors.Join(err, upload.Abort(abort))
}
