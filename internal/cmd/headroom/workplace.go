package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"headroom/internal/local/parts"
)

// workplace is where a run's logs and disks go.
type workplace struct {
	dir  string
	temp *parts.TempDir // nil if the folder is the user's
}

// newWorkplace is the user's folder, or if that is empty a temporary one.
func newWorkplace(dir string) (workplace, error) {
	if dir != "" {
		return workplace{dir: dir}, nil
	}
	temp, err := parts.NewTempDir("headroom-")
	if err != nil {
		return workplace{}, err
	}
	return workplace{dir: temp.Path, temp: temp}, nil
}

// leave removes a temporary folder, but for the logs of a run that failed: its error, which may speak of
// them, is returned with the place where they are.
func (w workplace) leave(err error) error {
	if w.temp == nil {
		return err
	}
	if err == nil || errors.Is(err, context.Canceled) || errors.As(err, new(refusal)) {
		return errors.Join(err, w.temp.Remove())
	}
	entries, failure := os.ReadDir(w.dir)
	for _, entry := range entries {
		if entry.Name() != "logs" {
			failure = errors.Join(failure, os.RemoveAll(filepath.Join(w.dir, entry.Name())))
		}
	}
	return errors.Join(fmt.Errorf("%w (the logs are kept in %s)", err, filepath.Join(w.dir, "logs")), failure, w.temp.Keep())
}
