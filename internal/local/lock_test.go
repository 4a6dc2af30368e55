package local

import (
	"strings"
	"testing"
)

func TestADirectoryIsOneLocalClouds(t *testing.T) {
	dir := t.TempDir()
	first, second := &Cloud{options: Options{Dir: dir}, stop: func() {}}, &Cloud{options: Options{Dir: dir}, stop: func() {}}
	if err := first.makeDir(); err != nil {
		t.Fatal(err)
	}
	if err := second.makeDir(); err == nil || !strings.Contains(err.Error(), dir+" is in use by another local cloud") {
		t.Errorf("the error is %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := second.makeDir(); err != nil {
		t.Errorf("it is still in use: %v", err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
}
