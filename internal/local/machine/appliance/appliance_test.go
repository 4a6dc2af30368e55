package appliance

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"headroom/internal/local/machine"

	"headroom/internal/local/nfsclient"
)

func TestActivationPageIsForNewAppliancesOnly(t *testing.T) {
	m := newMachine(t)
	a := m.appliance(t)
	if _, err := m.key(); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("while it boots: %v", err)
	}
	var key string
	unready := false
	eventually(t, "it gives a key", func() bool {
		var err error
		key, err = m.key()
		unready = unready || err != nil && strings.Contains(err.Error(), "504")
		return err == nil
	})
	if !unready {
		t.Error("it was never 504 before it gave a key")
	}
	if _, err := a.Activate(key, "us-east-1", "sgw-12345678"); !errors.Is(err, ErrKeyRegion) {
		t.Errorf("activated for another region: %v", err)
	}
	if _, err := a.Activate(key, "eu-west-1", "sgw-12345678"); err != nil {
		t.Fatal(err)
	}
	if a.Connected() {
		t.Error("it did not reboot")
	}
	if _, err := a.Activate(key, "eu-west-1", "sgw-12345678"); err == nil {
		t.Error("activated twice")
	}
	if _, err := m.key(); err == nil {
		t.Error("the page is still there after the activation")
	}
	eventually(t, "it runs", a.Connected)
}

func TestActivationPageIsBehindTheSecurityGroup(t *testing.T) {
	m := newMachine(t)
	eventually(t, "it gives a key", func() bool { _, err := m.key(); return err == nil })
	m.firewall.set(netip.MustParseAddr("127.0.0.1"), 80, false)
	if _, err := m.key(); err == nil {
		t.Error("the page answered an address that the security group does not hold")
	}
}

func TestShareIsForItsClientOnly(t *testing.T) {
	m, a := launched(t)
	m.export(t, a, "a", alice)
	m.export(t, a, "b", bob) // so the security group lets both in

	own, err := nfsclient.Dial(t.Context(), m.server(), alice, "/a")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = own.Close() }()
	want := bytes.Repeat([]byte("headroom "), 100_000) // more than one WRITE carries
	if err := own.WriteFile(t.Context(), "hello", want); err != nil {
		t.Fatal(err)
	}
	if got, err := own.ReadFile(t.Context(), "hello"); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("read %d bytes (%v), wrote %d", len(got), err, len(want))
	}

	if _, err := nfsclient.Dial(t.Context(), m.server(), bob, "/a"); !errors.Is(err, nfsclient.ErrMountDenied) {
		t.Errorf("mounted by another's address: %v", err)
	}
	if _, err := nfsclient.Dial(t.Context(), m.server(), bob, "/nothing"); !errors.Is(err, nfsclient.ErrNoExport) {
		t.Errorf("mounted what is not there: %v", err)
	}
	thief, err := nfsclient.Reuse(t.Context(), m.server(), bob, own.Root())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = thief.Close() }()
	if got, err := thief.ReadFile(t.Context(), "hello"); !nfsclient.Refused(err) {
		t.Errorf("read %d bytes by another's handle: %v", len(got), err)
	}
	if err := thief.WriteFile(t.Context(), "hello", []byte("x")); !nfsclient.Refused(err) {
		t.Errorf("wrote by another's handle: %v", err)
	}
	if err := thief.Remove(t.Context(), "hello"); !nfsclient.Refused(err) {
		t.Errorf("removed by another's handle: %v", err)
	}
}

func TestWrittenFilesReachTheBucketLater(t *testing.T) {
	m, a := launched(t)
	share := m.export(t, a, "a", alice)
	client, err := nfsclient.Dial(t.Context(), m.server(), alice, "/a")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	if err := client.WriteFile(t.Context(), "report", []byte("one")); err != nil {
		t.Fatal(err)
	}
	if _, there := m.shelf.get("bucket-a/report"); there {
		t.Error("it is in the bucket at once")
	}
	if a.Dirty(share.ID) == 0 {
		t.Error("nothing waits for its upload")
	}
	if err := a.AwaitUploaded(t.Context(), share.ID); err != nil {
		t.Fatal(err)
	}
	if got, _ := m.shelf.get("bucket-a/report"); got != "one" {
		t.Errorf("the bucket has %q", got)
	}

	m.shelf.failing(errors.New("S3 is down"))
	if err := client.WriteFile(t.Context(), "report", []byte("two")); err != nil {
		t.Fatal(err)
	}
	time.Sleep(150 * time.Millisecond)
	if a.Dirty(share.ID) != 1 {
		t.Error("a failed upload is not tried again")
	}
	m.shelf.failing(nil)
	if err := client.Remove(t.Context(), "report"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the object is gone", func() bool { _, there := m.shelf.get("bucket-a/report"); return !there })
}

func TestExportShowsWhatTheBucketHolds(t *testing.T) {
	m, a := launched(t)
	m.shelf.set("bucket-a/deep/down/file", "kept")
	share := m.export(t, a, "a", alice)
	client, err := nfsclient.Dial(t.Context(), m.server(), alice, "/a")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	if got, err := client.ReadFile(t.Context(), "deep/down/file"); err != nil || string(got) != "kept" {
		t.Errorf("read %q: %v", got, err)
	}
	m.shelf.set("bucket-a/later", "too")
	if err := a.Refresh(t.Context(), share.ID); err != nil {
		t.Fatal(err)
	}
	if got, err := client.ReadFile(t.Context(), "later"); err != nil || string(got) != "too" {
		t.Errorf("after a refresh, read %q: %v", got, err)
	}
	if err := a.Unexport(share.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := client.ReadFile(t.Context(), "later"); !nfsclient.Refused(err) {
		t.Errorf("the share ended, and still reads: %v", err)
	}
}

func TestNoPathLeadsOutOfAShare(t *testing.T) {
	m, a := launched(t)
	m.export(t, a, "a", alice)
	client, err := nfsclient.Dial(t.Context(), m.server(), alice, "/a")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	files, err := openFiles(t.TempDir(), false, &dirtySet{}, func(int, int) {})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = files.Close() }()
	for _, path := range []string{"../out", "/../../out", "a/../../out"} {
		if f, err := files.Create(path); err == nil {
			if f.Name() != path {
				t.Errorf("the file is called %q", f.Name())
			}
			_ = f.Close()
		}
	}
	entries, err := files.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 || entries[0].Name() != "out" {
		t.Errorf("the share holds %d entries, want its own \"out\" only", len(entries))
	}
}

func TestStoppedApplianceLeavesItsAddress(t *testing.T) {
	m, a := launched(t)
	m.export(t, a, "a", alice)
	client, err := nfsclient.Dial(t.Context(), m.server(), alice, "/a")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	taken := machine.Machine{InstanceID: "i-2", Address: m.address, Permits: m.firewall.permits}
	if err := m.Start(t.Context(), taken); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a second machine at the address: %v", err)
	}
	if err := m.Stop(t.Context(), m.id); err != nil {
		t.Fatal(err)
	}
	if _, err := client.ReadFile(t.Context(), "x"); !nfsclient.Refused(err) && !errors.Is(err, io.EOF) {
		t.Errorf("the connection outlived the machine: %v", err)
	}
	if err := m.Start(t.Context(), taken); err != nil {
		t.Errorf("the address is not free: %v", err)
	}
}

func TestAHeldAddressIsNobodyElses(t *testing.T) {
	m := newMachine(t)
	other := NewFleet(Config{Dir: t.TempDir(), ActivationPort: testPage, NFSPort: testNFS, Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(func() { _ = other.Close() })
	if err := m.Stop(t.Context(), m.id); err != nil {
		t.Fatal(err)
	}
	if err := other.Hold(m.address); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("held twice, with no machine there: %v", err)
	}
	elsewhere := machine.Machine{InstanceID: "i-2", Address: m.address, Permits: m.firewall.permits}
	if err := other.Start(t.Context(), elsewhere); err == nil {
		t.Error("started at an address that is not held")
	}
	m.Release(m.address)
	if err := other.Hold(m.address); err != nil {
		t.Errorf("the address was given back: %v", err)
	}
}

// What would be no key in S3 is refused at once, and not when it is to be uploaded.
func TestPathsAreNoLongerThanKeys(t *testing.T) {
	m, a := launched(t)
	m.export(t, a, "a", alice)
	client, err := nfsclient.Dial(t.Context(), m.server(), alice, "/a")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	folder := ""
	for range 4 {
		folder += "/" + strings.Repeat("d", 254)
		if err := client.MakeFolder(t.Context(), folder); err != nil {
			t.Fatal(err)
		}
	}
	if err := client.WriteFile(t.Context(), folder+"/abcd", []byte("1,024 bytes")); err != nil { // the first slash is not of the path
		t.Error(err)
	}
	if err := client.WriteFile(t.Context(), folder+"/abcde", []byte("1,025 bytes")); err == nil {
		t.Error("a file has a path of 1,025 bytes")
	}
	if err := client.MakeFolder(t.Context(), folder+"/abcd"); err == nil {
		t.Error("a folder has a key of 1,025 bytes")
	}
	if err := client.MakeFolder(t.Context(), folder+"/abc"); err != nil {
		t.Error(err)
	}
	if err := client.WriteFile(t.Context(), strings.Repeat("n", 256), nil); err == nil {
		t.Error("a name has 256 bytes")
	}
	if err := client.Symlink(t.Context(), "/", "link"); err == nil {
		t.Error("it made a symbolic link")
	}
}
