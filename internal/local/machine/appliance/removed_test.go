package appliance

import (
	"errors"
	"net/netip"
	"testing"

	"headroom/internal/local/nfsclient"
)

// dial mounts a share of the machine.
func (m *testMachine) dial(t *testing.T, from netip.Addr, export string) *nfsclient.Client {
	t.Helper()
	client, err := nfsclient.Dial(t.Context(), m.server(), from, export)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestClientListChangesApplyToMountedClients(t *testing.T) {
	m, a := launched(t)
	share := m.export(t, a, "a", alice)
	m.firewall.set(bob, 2049, true)
	own := m.dial(t, alice, "/a")
	if err := own.WriteFile(t.Context(), "hello", []byte("from alice")); err != nil {
		t.Fatal(err)
	}
	share.Clients = []netip.Prefix{netip.PrefixFrom(bob, 32)}
	if err := a.Export(t.Context(), share); err != nil {
		t.Fatal(err)
	}
	if _, err := own.ReadFile(t.Context(), "hello"); !nfsclient.Refused(err) {
		t.Errorf("the client that was taken off the list still reads: %v", err)
	}
	if err := own.WriteFile(t.Context(), "hello", []byte("x")); !nfsclient.Refused(err) {
		t.Errorf("the client that was taken off the list still writes: %v", err)
	}
	if got, err := m.dial(t, bob, "/a").ReadFile(t.Context(), "hello"); err != nil || string(got) != "from alice" {
		t.Errorf("the new client reads %q: %v", got, err)
	}
}

// Rules alone put nobody out: it is the client list that does.
func TestARuleThatIsTakenAwayLetsNoNewConnectionIn(t *testing.T) {
	m, a := launched(t)
	m.export(t, a, "a", alice)
	mounted := m.dial(t, alice, "/a")
	m.firewall.set(alice, 2049, false)
	if err := mounted.WriteFile(t.Context(), "hello", []byte("still here")); err != nil {
		t.Errorf("the rule's end cut a client that had mounted: %v", err)
	}
	if _, err := nfsclient.Dial(t.Context(), m.server(), alice, "/a"); !nfsclient.Refused(err) {
		t.Errorf("mounted without a rule: %v", err)
	}
	again, err := nfsclient.Reuse(t.Context(), m.server(), alice, mounted.Root())
	if err == nil { // it may be made before it is reset: then its first call fails
		defer func() { _ = again.Close() }()
		_, err = again.ReadFile(t.Context(), "hello")
	}
	if !nfsclient.Refused(err) {
		t.Errorf("connected again without a rule: %v", err)
	}
}

func TestAnAddressThatWasRemovedSeesNothingAsTheNextTenants(t *testing.T) {
	m, a := launched(t)
	first := m.export(t, a, "a", alice)
	second := m.export(t, a, "b", bob)
	mounted := m.dial(t, alice, "/a")
	if err := mounted.WriteFile(t.Context(), "secret", []byte("of the first tenant")); err != nil {
		t.Fatal(err)
	}
	// Alice's address is removed from the first tenant, and becomes the second's.
	first.Clients = []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}
	second.Clients = append(second.Clients, netip.PrefixFrom(alice, 32))
	for _, share := range []Share{first, second} {
		if err := a.Export(t.Context(), share); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := mounted.ReadFile(t.Context(), "secret"); !nfsclient.Refused(err) {
		t.Errorf("by the old mount: %v", err)
	}
	reused, err := nfsclient.Reuse(t.Context(), m.server(), alice, mounted.Root())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reused.Close() }()
	if _, err := reused.ReadFile(t.Context(), "secret"); !nfsclient.Refused(err) {
		t.Errorf("by the old handle: %v", err)
	}
	if _, err := nfsclient.Dial(t.Context(), m.server(), alice, "/a"); !errors.Is(err, nfsclient.ErrMountDenied) {
		t.Errorf("mounted anew: %v", err)
	}
	if _, err := m.dial(t, alice, "/b").ReadFile(t.Context(), "secret"); err == nil {
		t.Error("the second tenant's share has the first one's file")
	}
}
