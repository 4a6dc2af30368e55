package appliance

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"headroom/internal/local/machine"
)

const (
	testPage = 18081
	testNFS  = 12050
)

var (
	alice = netip.MustParseAddr("127.30.0.1")
	bob   = netip.MustParseAddr("127.30.0.2")
)

// shelf is Objects in memory.
type shelf struct {
	mu      sync.Mutex
	objects map[string][]byte // by bucket and key
	fail    error
}

func (s *shelf) Put(_ context.Context, bucket Bucket, key string, body []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	s.objects[bucket.Name+"/"+key] = body
	return nil
}

func (s *shelf) Delete(_ context.Context, bucket Bucket, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.objects, bucket.Name+"/"+key)
	return s.fail
}

func (s *shelf) Keys(_ context.Context, bucket Bucket) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var keys []string
	for _, name := range slices.Sorted(maps.Keys(s.objects)) {
		if key, ok := strings.CutPrefix(name, bucket.Name+"/"); ok {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

func (s *shelf) Get(_ context.Context, bucket Bucket, key string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.objects[bucket.Name+"/"+key], nil
}

func (s *shelf) set(key string, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[key] = []byte(body)
}

func (s *shelf) get(key string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, ok := s.objects[key]
	return string(body), ok
}

func (s *shelf) failing(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

// firewall is a security group whose rules a test changes.
type firewall struct {
	mu      sync.Mutex
	allowed map[string]bool
}

func (f *firewall) set(from netip.Addr, port int, allowed bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.allowed[fmt.Sprint(from, port)] = allowed
}

func (f *firewall) permits(port int, from netip.Addr) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.allowed[fmt.Sprint(from, port)]
}

// testMachine is one appliance with all that is around it.
type testMachine struct {
	*Fleet
	shelf    *shelf
	firewall *firewall
	address  netip.Addr
	id       string
}

var nextAddress struct {
	sync.Mutex
	last byte
}

func newMachine(t *testing.T) *testMachine {
	t.Helper()
	nextAddress.Lock()
	nextAddress.last++
	address := netip.AddrFrom4([4]byte{127, 78, 0, nextAddress.last})
	nextAddress.Unlock()

	m := &testMachine{
		shelf:    &shelf{objects: map[string][]byte{}},
		firewall: &firewall{allowed: map[string]bool{}},
		address:  address, id: "i-1",
	}
	m.Fleet = NewFleet(Config{
		Dir: t.TempDir(), Objects: m.shelf, ActivationPort: testPage, NFSPort: testNFS,
		Boot: 100 * time.Millisecond, Reboot: 100 * time.Millisecond, Import: 100 * time.Millisecond, UploadDelay: 60 * time.Millisecond,
		Log: slog.New(slog.DiscardHandler),
	})
	if err := m.Hold(address); err != nil {
		t.Fatal(err)
	}
	if err := m.Start(t.Context(), machine.Machine{
		InstanceID: m.id, Address: address, Permits: m.firewall.permits,
		Disks: []machine.Disk{{VolumeID: "vol-root", Device: "/dev/xvda", SizeGiB: 80, Root: true}},
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	if err := m.Attach(t.Context(), m.id, machine.Disk{VolumeID: "vol-cache", Device: "/dev/sdf", SizeGiB: 150}); err != nil {
		t.Fatal(err)
	}
	m.firewall.set(netip.MustParseAddr("127.0.0.1"), 80, true)
	return m
}

func (m *testMachine) appliance(t *testing.T) *Appliance {
	t.Helper()
	a, ok := m.ByInstance(m.id)
	if !ok {
		t.Fatal("no appliance")
	}
	return a
}

// key asks the activation page.
func (m *testMachine) key() (string, error) {
	client := http.Client{Timeout: time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	response, err := client.Get(fmt.Sprintf("http://%s:%d/?activationRegion=eu-west-1", m.address, testPage))
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusFound {
		return "", fmt.Errorf("status %d", response.StatusCode)
	}
	location, err := url.Parse(response.Header.Get("Location"))
	if err != nil {
		return "", err
	}
	return location.Query().Get("activationKey"), nil
}

// launched is a machine whose appliance serves shares.
func launched(t *testing.T) (*testMachine, *Appliance) {
	t.Helper()
	m := newMachine(t)
	a := m.appliance(t)
	var key string
	eventually(t, "it gives a key", func() bool {
		var err error
		key, err = m.key()
		return err == nil
	})
	if _, err := a.Activate(key, "eu-west-1", "sgw-12345678"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it runs", a.Connected)
	if err := a.AddCache([]string{a.Disks()[0].ID}); err != nil {
		t.Fatal(err)
	}
	return m, a
}

func (m *testMachine) server() netip.AddrPort { return netip.AddrPortFrom(m.address, testNFS) }

// export makes a share for a client, in its list and the security group.
func (m *testMachine) export(t *testing.T, a *Appliance, name string, client netip.Addr) Share {
	t.Helper()
	share := Share{
		ID: "share-" + name, Name: name, Bucket: Bucket{Name: "bucket-" + name},
		Clients: []netip.Prefix{netip.PrefixFrom(client, 32)},
	}
	if err := a.Export(t.Context(), share); err != nil {
		t.Fatal(err)
	}
	m.firewall.set(client, 2049, true)
	return share
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if is() {
			return
		}
	}
	t.Fatalf("not in time: %s", what)
}
