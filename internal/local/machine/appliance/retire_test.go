package appliance

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"headroom/internal/local/nfsclient"
)

func TestSymbolicLinksAreRefused(t *testing.T) {
	m, a := launched(t)
	m.export(t, a, "a", alice)
	client := m.dial(t, alice, "/a")
	if err := client.WriteFile(t.Context(), "hello", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := client.Symlink(t.Context(), "hello", "link"); err == nil {
		t.Error("a symbolic link was made")
	}
	if _, err := client.ReadFile(t.Context(), "link"); err == nil {
		t.Error("the link is there")
	}
}

// retire starts the end of a share, and returns what it comes to.
func retire(t *testing.T, a *Appliance, id string) <-chan error {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- a.Retire(t.Context(), id) }()
	return ended
}

// stays fails the test if something ends while it must not.
func stays(t *testing.T, what string, ended <-chan error) {
	t.Helper()
	select {
	case err := <-ended:
		t.Fatalf("%s: ended (%v)", what, err)
	case <-time.After(200 * time.Millisecond):
	}
}

func ends(t *testing.T, ended <-chan error) {
	t.Helper()
	select {
	case err := <-ended:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it never ended")
	}
}

func TestAShareEndsWhenAllThatWasAcknowledgedIsUploaded(t *testing.T) {
	m, a := launched(t)
	share := m.export(t, a, "a", alice)
	client := m.dial(t, alice, "/a")
	if err := client.WriteFile(t.Context(), "report", []byte("one")); err != nil {
		t.Fatal(err)
	}
	m.shelf.failing(errors.New("AccessDenied"))
	ended := retire(t, a, share.ID)
	stays(t, "a file fails to upload", ended)
	if err := client.WriteFile(t.Context(), "late", []byte("x")); err == nil {
		t.Error("a share that is being deleted acknowledges writes")
	}
	if err := client.Remove(t.Context(), "report"); err == nil {
		t.Error("a share that is being deleted removes files")
	}
	a.Cut(true)
	m.shelf.failing(nil)
	stays(t, "the gateway is away", ended)
	if a.Connected() {
		t.Error("it is connected, and away")
	}
	a.Cut(false)
	ends(t, ended)
	if got, _ := m.shelf.get("bucket-a/report"); got != "one" {
		t.Errorf("the bucket has %q", got)
	}
	if _, err := client.ReadFile(t.Context(), "report"); !nfsclient.Refused(err) {
		t.Errorf("the handle outlived its share: %v", err)
	}
	if _, err := nfsclient.Dial(t.Context(), m.server(), alice, "/a"); !errors.Is(err, nfsclient.ErrNoExport) {
		t.Errorf("the path is not free: %v", err)
	}
}

// What was acknowledged is uploaded however the share's end and its clients' writes interleave.
func TestNoWriteIsLostToTheEndOfItsShare(t *testing.T) {
	m, a := launched(t)
	share := m.export(t, a, "a", alice)
	client := m.dial(t, alice, "/a")
	acknowledged := make(chan int, 1)
	go func() {
		for n := 0; ; n++ {
			if client.WriteFile(context.Background(), fmt.Sprintf("f%d", n), []byte("x")) != nil {
				acknowledged <- n
				return
			}
		}
	}()
	eventually(t, "something is written", func() bool { return a.Dirty(share.ID) > 3 })
	ends(t, retire(t, a, share.ID))
	for n := range <-acknowledged {
		if _, there := m.shelf.get(fmt.Sprintf("bucket-a/f%d", n)); !there {
			t.Errorf("f%d was acknowledged, and is not in the bucket", n)
		}
	}
}
