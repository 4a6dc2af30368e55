package endtoend

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"headroom/events"
	"headroom/internal/demo"
	"headroom/internal/local/nfsclient"
	"headroom/internal/pool"
)

const (
	oldMachine = "127.30.11.1"
	newMachine = "127.30.11.2"
)

// TestAMachineIsReplacedWhileItWrites has a customer's machine replaced rolling, while deliveries are doubled, late and
// out of order: no write fails, the old machine is put out although it has mounted, and its address becomes another
// customer's, who sees nothing of the first.
func TestAMachineIsReplacedWhileItWrites(t *testing.T) {
	t.Parallel()
	s := start(t, policies(pool.Policy{SlotsPerHost: 6}, pool.Policy{SlotsPerHost: 6}), untidy)
	s.awaitInService(t, 1, 1)
	s.signUp(t, "acme", oldMachine)
	share := s.awaitReady(t, "acme")["acme"].Share

	old := s.mount(t, oldMachine, share)
	writes := write(t, old, "old")
	s.change(t, "acme", []string{newMachine}, nil)
	added := s.changed(t, "acme", func(e events.AccessChanged) bool { return slices.Contains(e.Added, newMachine) })
	if want := []string{oldMachine, newMachine}; !slices.Equal(added.Addresses, want) || len(added.Removed) > 0 {
		t.Errorf("it is said that %+v", added)
	}
	// The event is to be relied on: no patience now.
	successor, err := s.mountNow(t.Context(), newMachine, share)
	must(t, err)
	later := write(t, successor, "new")
	files := writes.stop(t)

	s.change(t, "acme", nil, []string{oldMachine})
	removed := s.changed(t, "acme", func(e events.AccessChanged) bool { return slices.Contains(e.Removed, oldMachine) })
	if want := []string{newMachine}; !slices.Equal(removed.Addresses, want) {
		t.Errorf("it is said that %+v", removed)
	}
	s.keptOut(t, old, oldMachine, share)
	files = append(files, later.stop(t)...)
	for _, file := range files {
		if content, err := successor.ReadFile(t.Context(), file); err != nil || string(content) != file {
			t.Errorf("%s is read as %q: %v", file, content, err)
		}
	}
	t.Logf("%d files were written, and none failed", len(files))

	t.Run("the old address signs up as another customer", func(t *testing.T) {
		s.signUp(t, "other", oldMachine)
		theirs := s.mount(t, oldMachine, s.awaitReady(t, "other")["other"].Share)
		for _, file := range files {
			if _, err := theirs.ReadFile(t.Context(), file); err == nil {
				t.Fatalf("it reads %s, which is the first customer's", file)
			}
		}
		must(t, theirs.WriteFile(t.Context(), "theirs", []byte("theirs")))
		s.keptOut(t, old, oldMachine, share)
	})
	t.Run("a signup that is sent again is answered, and opens nothing", func(t *testing.T) {
		before := len(heard[events.StorageReady](s.watch))
		s.signUp(t, "acme", oldMachine)
		s.await(t, "it is answered", func() bool {
			ready := heard[events.StorageReady](s.watch)
			return slices.ContainsFunc(ready[min(before, len(ready)):], func(e events.StorageReady) bool { return e.TenantID == "acme" })
		})
		if rejected := heard[events.SignupRejected](s.watch); len(rejected) > 0 {
			t.Errorf("rejected: %+v", rejected)
		}
		s.keptOut(t, old, oldMachine, share)
	})
	t.Run("one message replaces a machine as well", func(t *testing.T) {
		const third = "127.30.11.3"
		s.change(t, "acme", []string{third}, []string{newMachine})
		s.changed(t, "acme", func(e events.AccessChanged) bool { return slices.Contains(e.Removed, newMachine) })
		if _, err := s.mountNow(t.Context(), third, share); err != nil {
			t.Error(err)
		}
		s.keptOut(t, successor, newMachine, share)
	})
	t.Run("what can't be is refused", s.refusesChanges)
	t.Run("in the end nothing is on its way", func(t *testing.T) { s.keepsSecrets(t, s.atRest(t)) })
}

// change sends a change of a tenant's addresses.
func (s *system) change(tb testing.TB, tenant string, add, remove []string) {
	tb.Helper()
	s.send(tb, "InstanceChangeQueueUrl", changeBody(tenant, add, remove))
}

func changeBody(tenant string, add, remove []string) string {
	quoted := func(list []string) string {
		if len(list) == 0 {
			return "[]"
		}
		return `["` + strings.Join(list, `","`) + `"]`
	}
	return fmt.Sprintf(`{"version":"1","type":"InstanceChangeRequested","tenantId":%q,"add":%s,"remove":%s}`, tenant, quoted(add), quoted(remove))
}

// changed waits until it is said of a tenant that its access has changed so.
func (s *system) changed(tb testing.TB, tenant string, so func(events.AccessChanged) bool) (found events.AccessChanged) {
	tb.Helper()
	s.await(tb, "the access of "+tenant+" has changed", func() bool {
		said := heard[events.AccessChanged](s.watch)
		i := slices.IndexFunc(said, func(e events.AccessChanged) bool { return e.TenantID == tenant && so(e) })
		if i >= 0 {
			found = said[i]
		}
		return i >= 0
	})
	return found
}

// nfsPort is where gateways serve NFS.
const nfsPort = 2049

// server is where a share is served.
func (s *system) server(share events.Share) (netip.AddrPort, error) {
	address, err := s.Resolve(share.Host)
	return netip.AddrPortFrom(address, nfsPort), err
}

// mountNow mounts a share from an address, at the first try.
func (s *system) mountNow(ctx context.Context, from string, share events.Share) (*nfsclient.Client, error) {
	server, err := s.server(share)
	if err != nil {
		return nil, err
	}
	return nfsclient.Dial(ctx, server, netip.MustParseAddr(from), share.Path)
}

// mount mounts a share as a machine does: a firewall rule that is new takes a moment to be in force.
func (s *system) mount(tb testing.TB, from string, share events.Share) (client *nfsclient.Client) {
	tb.Helper()
	s.await(tb, from+" mounts "+share.Path, func() (ok bool) {
		var err error
		client, err = s.mountNow(tb.Context(), from, share)
		return err == nil
	})
	tb.Cleanup(func() { _ = client.Close() })
	return client
}

// keptOut wants a client that had mounted a share to be refused by it: on its connection, with its handle on a new one,
// and at a new mount.
func (s *system) keptOut(t *testing.T, mounted *nfsclient.Client, from string, share events.Share) {
	t.Helper()
	if _, err := mounted.ReadFile(t.Context(), "old-0"); !nfsclient.Refused(err) {
		t.Errorf("it still reads: %v", err)
	}
	if err := mounted.WriteFile(t.Context(), "after", []byte("x")); !nfsclient.Refused(err) {
		t.Errorf("it still writes: %v", err)
	}
	server, err := s.server(share)
	must(t, err)
	reused, err := nfsclient.Reuse(t.Context(), server, netip.MustParseAddr(from), mounted.Root())
	if err == nil { // it may be made before it is reset, or be let in to another share of the gateway
		_, err = reused.ReadFile(t.Context(), "old-0")
		_ = reused.Close()
	}
	if !nfsclient.Refused(err) {
		t.Errorf("by its handle: %v", err)
	}
	if _, err := s.mountNow(t.Context(), from, share); !nfsclient.Refused(err) {
		t.Errorf("it mounts again: %v", err)
	}
}

// writer writes files one after the other until it is stopped.
type writer struct {
	cancel context.CancelFunc
	files  chan []string
	failed error
}

// write writes files named after who, each with its name as content.
func write(tb testing.TB, client *nfsclient.Client, who string) *writer {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	w := &writer{cancel: cancel, files: make(chan []string, 1)}
	go func() {
		var files []string
		for ctx.Err() == nil {
			file := fmt.Sprintf("%s-%d", who, len(files))
			if err := client.WriteFile(context.WithoutCancel(ctx), file, []byte(file)); err != nil {
				w.failed = fmt.Errorf("write %s: %w", file, err)
				break
			}
			files = append(files, file)
			time.Sleep(20 * time.Millisecond)
		}
		w.files <- files
	}()
	tb.Cleanup(cancel)
	return w
}

// stop ends the writing, of which nothing may have failed, and returns what was written.
func (w *writer) stop(t *testing.T) []string {
	t.Helper()
	w.cancel()
	files := <-w.files
	if w.failed != nil || len(files) == 0 {
		t.Errorf("after %d files: %v", len(files), w.failed)
	}
	return files
}

// replacesMachines replaces the machine of a customer that has signed up.
func (s *system) replacesMachines(t *testing.T) {
	first := demo.Name(0)
	const successor = "127.30.12.1"
	s.awaitReady(t, first)
	s.change(t, first, []string{successor}, []string{demo.Instance(0)})
	s.changed(t, first, func(e events.AccessChanged) bool { return slices.Contains(e.Removed, demo.Instance(0)) })
	rejected := len(heard[events.RequestRejected](s.watch))
	s.change(t, first, nil, []string{successor})
	s.await(t, "the last address stays", func() bool { return len(heard[events.RequestRejected](s.watch)) > rejected })
}

// refusesChanges wants each bad change to be kept in the dead-letter queue, and an event to say what is wrong with it.
func (s *system) refusesChanges(t *testing.T) {
	bad := map[string]string{ // field by body; acme's addresses are others, and other has one
		"move it": "body",
		changeBody("nobody", []string{"127.30.11.9"}, nil): "tenantId",
		changeBody("acme", []string{oldMachine}, nil):      "add",
		changeBody("acme", []string{"127.10.0.1"}, nil):    "add",
		changeBody("other", nil, []string{oldMachine}):     "remove",
	}
	for body := range bad {
		s.send(t, "InstanceChangeQueueUrl", body)
	}
	client, url, kept := sqs.NewFromConfig(s.AWS()), s.output(t, "InstanceChangeDlqUrl"), map[string]string{}
	s.await(t, "every bad change is kept", func() bool {
		out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: &url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
		})
		must(t, err)
		for _, m := range out.Messages {
			kept[aws.ToString(m.Body)] = aws.ToString(m.MessageAttributes["field"].StringValue)
		}
		return len(kept) >= len(bad)
	})
	if diff := cmp.Diff(bad, kept); diff != "" {
		t.Errorf("kept, by field (-want +got):\n%s", diff)
	}
	s.await(t, "every bad change is said to be", func() bool {
		ids := map[string]bool{}
		for _, e := range heard[events.RequestRejected](s.watch) {
			if e.Type != events.TypeInstanceChangeRequested || e.Reason == "" {
				t.Errorf("it is said that %+v", e)
			}
			ids[e.MessageID] = true
		}
		return len(ids) == len(bad)
	})
}
