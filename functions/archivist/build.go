package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws"

	"headroom/events"
	"headroom/internal/adapter/awsclient"
	"headroom/internal/adapter/dump"
	"headroom/internal/adapter/nfs"
	"headroom/internal/adapter/postgres"
	"headroom/internal/adapter/taskmetadata"
	"headroom/internal/function"
	"headroom/internal/function/archives"
	"headroom/internal/function/slots"
	"headroom/internal/handler/archivist"
)

// directoryMost is how many bytes a task may hold of the entries of an archive. The garbage collector lets as much again
// come together, and an upload of S3's largest object holds 1.3 GB: together they are below the 8 GiB that a task has.
const directoryMost = 2 << 30

// build makes the handler of a job with its adapters.
func build(ctx context.Context, cfg aws.Config, e archivist.Environment, job events.ArchivistJob) (*archivist.Archivist, error) {
	address, err := taskmetadata.Client{HTTP: http.DefaultClient, Endpoint: e.Metadata, Sleep: awsclient.Sleep}.Address(ctx)
	if err != nil {
		return nil, err
	}
	authorities, err := filepath.Abs(e.Authorities) // PostgreSQL's programs run elsewhere
	if err != nil {
		return nil, fmt.Errorf("find the file of authorities: %w", err)
	}
	roots, err := postgres.ReadAuthorities(authorities)
	if err != nil {
		return nil, err
	}
	databases, err := postgres.New(postgres.Config{RootCAs: roots, Random: rand.Reader, Sleep: awsclient.Sleep, Jitter: awsclient.Jitter})
	if err != nil {
		return nil, err
	}
	scratch := filepath.Join(os.TempDir(), "pg") // short: a socket's path has 107 bytes
	restoreMost, err := restorable(os.TempDir(), e.RestoreMost<<30)
	if err != nil {
		return nil, err
	}
	dumps, err := dump.New(dump.Config{
		Programs: e.Programs, Authorities: authorities, Scratch: scratch, RestoreMost: restoreMost, Catalog: postgres.ReadCatalog,
	})
	if err != nil {
		return nil, err
	}
	work := cfg
	if e.Role != "" {
		if work, err = archives.Session(cfg, e.Role, job); err != nil {
			return nil, err
		}
	}
	buckets, err := archives.Objects(work)
	if err != nil {
		return nil, err
	}
	return archivist.New(archivist.Config{
		Objects: &archives.Ahead{Bucket: buckets}, Databases: databases, Dumps: dumps, Secrets: slots.Masters(work), Shares: &nfs.Client{Source: address},
		Reports: function.Queues(cfg)(e.Reports), Key: e.Key, Address: address.String(), Memory: directoryMost, Log: slog.Default(),
		Now: function.Now, Sleep: awsclient.Sleep, Start: func(run func()) { go run() },
	})
}

// restorable is how large a database may be that is restored in a folder: most, or what there is room for. A copy
// is no larger than what it was dumped from, which has room in it that nothing uses; a tenth is left for the server's log.
func restorable(folder string, most int64) (int64, error) {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(folder, &disk); err != nil {
		return 0, fmt.Errorf("look how much room there is: %w", err)
	}
	return max(1, min(most, int64(disk.Bavail)*disk.Bsize/10*9)), nil
}
