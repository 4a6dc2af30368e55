package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestATemporaryFolderIsLeftOnlyWithTheLogsOfAFailure(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		kept bool
	}{
		"all held":    {nil, false},
		"interrupted": {fmt.Errorf("wait: %w", context.Canceled), false},
		"refused":     {refusal{error: errors.New("--tier"), command: "headroom"}, false},
		"failed":      {errors.New("2 of 4 proofs failed"), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			place, err := newWorkplace("")
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range []string{"logs/function.log", "disks/1/data"} {
				file = filepath.Join(place.dir, file)
				if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, nil, 0o600)); err != nil {
					t.Fatal(err)
				}
			}
			err = place.leave(test.err)
			if !errors.Is(err, test.err) {
				t.Errorf("the error is %v", err)
			}
			left, _ := filepath.Glob(filepath.Join(place.dir, "*", "*"))
			if !test.kept {
				if _, err := os.Stat(place.dir); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("the folder is left, with %v", left)
				}
				return
			}
			logs := filepath.Join(place.dir, "logs")
			if len(left) != 1 || left[0] != filepath.Join(logs, "function.log") {
				t.Errorf("left are %v", left)
			}
			if !strings.Contains(err.Error(), "kept in "+logs) {
				t.Errorf("the error does not say where: %v", err)
			}
		})
	}
}

func TestAUsersFolderIsLeftAsItIs(t *testing.T) {
	dir := t.TempDir()
	place, err := newWorkplace(dir)
	if err != nil {
		t.Fatal(err)
	}
	failure := errors.New("the disk is full")
	if err := place.leave(failure); err != failure {
		t.Errorf("the error is %v", err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Error(err)
	}
}
