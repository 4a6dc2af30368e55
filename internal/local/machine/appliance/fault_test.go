package appliance

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"headroom/internal/local/machine"
	"headroom/internal/local/nfsclient"
)

var cacheDisk = machine.Disk{VolumeID: "vol-cache", Device: "/dev/sdf", SizeGiB: 150}

// launch is a machine of the fleet, with these disks besides its root.
func (m *testMachine) launch(t *testing.T, id, root string, reboot bool, disks ...machine.Disk) *Appliance {
	t.Helper()
	m.id = id
	err := m.Start(t.Context(), machine.Machine{
		InstanceID: id, ImageID: "ami-" + id, Address: m.address, Permits: m.firewall.permits, Reboot: reboot,
		Disks: append([]machine.Disk{{VolumeID: root, Device: "/dev/xvda", SizeGiB: 80, Root: true}}, disks...),
	})
	if err != nil {
		t.Fatal(err)
	}
	return m.appliance(t)
}

func (m *testMachine) halt(t *testing.T, id string) {
	t.Helper()
	if err := m.Stop(t.Context(), id); err != nil {
		t.Fatal(err)
	}
}

// again is the mount of a client that goes on with the handle that it has.
func (m *testMachine) again(t *testing.T, mounted *nfsclient.Client) *nfsclient.Client {
	t.Helper()
	client, err := nfsclient.Reuse(t.Context(), m.server(), alice, mounted.Root())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestAMachineThatIsStartedAgainIsTheSameGateway(t *testing.T) {
	m, a := launched(t)
	share := m.export(t, a, "a", alice)
	mounted := m.dial(t, alice, "/a")
	if err := mounted.WriteFile(t.Context(), "clean", []byte("uploaded")); err != nil {
		t.Fatal(err)
	}
	if err := a.AwaitUploaded(t.Context(), share.ID); err != nil {
		t.Fatal(err)
	}
	a.Cut(true)
	if err := mounted.WriteFile(t.Context(), "dirty", []byte("not uploaded")); err != nil {
		t.Fatal(err)
	}
	m.halt(t, "i-1")
	if _, err := m.dialErr(t); err == nil {
		t.Error("a stopped machine serves")
	}
	if _, there := m.ByGateway("sgw-12345678"); there {
		t.Error("a stopped machine is a gateway")
	}
	m.shelf.failing(errors.New("not yet"))
	a = m.launch(t, "i-1", "vol-root", false, cacheDisk)
	eventually(t, "it runs", a.Connected)
	if got, _ := m.ByGateway("sgw-12345678"); got != a {
		t.Error("it is another gateway")
	}
	if got := a.Dirty(share.ID); got != 1 {
		t.Errorf("%d files are dirty, want one", got)
	}
	client := m.again(t, mounted)
	if got, err := client.ReadFile(t.Context(), "dirty"); err != nil || string(got) != "not uploaded" {
		t.Errorf("by the handle of before: %q, %v", got, err)
	}
	m.firewall.set(bob, 2049, true)
	if _, err := nfsclient.Dial(t.Context(), m.server(), bob, "/a"); !errors.Is(err, nfsclient.ErrMountDenied) {
		t.Errorf("another's mount: %v", err)
	}
	m.shelf.failing(nil)
	eventually(t, "what was dirty is uploaded", func() bool {
		got, _ := m.shelf.get("bucket-a/dirty")
		return got == "not uploaded"
	})
}

// dialErr tries to reach the NFS server.
func (m *testMachine) dialErr(t *testing.T) (net.Conn, error) {
	t.Helper()
	return (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", m.server().String())
}

func TestADeadMachineComesBackByItsCure(t *testing.T) {
	for name, test := range map[string]struct {
		fault                Fault
		reboot, restart      bool // bring it back
		system, instanceFine bool
	}{
		"by a reboot":      {Fault{Cure: ByReboot}, true, true, true, false},
		"by a restart":     {Fault{Host: true, Cure: ByRestart}, false, true, false, false},
		"by nothing":       {Fault{Cure: Never}, false, false, true, false},
		"a hang, rebooted": {Fault{Hang: true, Cure: ByReboot}, true, true, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			m, a := launched(t)
			m.export(t, a, "a", alice)
			mounted := m.dial(t, alice, "/a")
			if err := m.Fail("i-1", test.fault); err != nil {
				t.Fatal(err)
			}
			if a.Connected() {
				t.Error("it is connected")
			}
			if got, want := m.Health("i-1"), (machine.Health{System: test.system, Instance: test.instanceFine}); got != want {
				t.Errorf("its checks are %+v, want %+v", got, want)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			if err := mounted.WriteFile(ctx, "hello", []byte("x")); err == nil {
				t.Error("it takes writes")
			}
			conn, err := m.dialErr(t)
			if (err == nil) != test.fault.Hang {
				t.Errorf("its port: %v", err)
			}
			if err == nil {
				_ = conn.Close()
			}
			for _, way := range []struct {
				name   string
				reboot bool
				cures  bool
			}{{"reboot", true, test.reboot}, {"restart", false, test.restart}} {
				m.halt(t, "i-1")
				a := m.launch(t, "i-1", "vol-root", way.reboot, cacheDisk)
				if !way.cures {
					time.Sleep(300 * time.Millisecond)
					if a.Connected() || m.Health("i-1").Instance {
						t.Errorf("a %s brought it back", way.name)
					}
					continue
				}
				eventually(t, "it is back after a "+way.name, a.Connected)
				if !m.Health("i-1").Instance {
					t.Error("its checks fail")
				}
			}
		})
	}
}

func TestAMachineWithoutItsCacheServesNothing(t *testing.T) {
	for name, lose := range map[string]func(t *testing.T, m *testMachine) []machine.Disk{
		"its disk is lost": func(_ *testing.T, m *testMachine) []machine.Disk {
			m.Lose("vol-cache")
			return []machine.Disk{cacheDisk}
		},
		"it is taken by force": func(t *testing.T, m *testMachine) []machine.Disk { return m.torn(t) },
	} {
		t.Run(name, func(t *testing.T) {
			m, a := launched(t)
			m.export(t, a, "a", alice)
			mounted := m.dial(t, alice, "/a")
			if err := m.Detach(t.Context(), "i-1", "vol-cache", false); !errors.Is(err, machine.ErrBusy) {
				t.Errorf("detach a cache in use: %v", err)
			}
			disks := lose(t, m)
			if a.Connected() {
				t.Error("it is connected")
			}
			if err := mounted.WriteFile(t.Context(), "hello", []byte("x")); err == nil {
				t.Error("it takes writes")
			}
			m.halt(t, "i-1")
			a = m.launch(t, "i-1", "vol-root", false, disks...)
			time.Sleep(300 * time.Millisecond)
			if a.Connected() {
				t.Error("it runs again")
			}
		})
	}
}

// A file that is not there any more because its disk is not was not deleted.
func TestALostCacheDeletesNothingFromTheBucket(t *testing.T) {
	m, a := launched(t)
	share := m.export(t, a, "a", alice)
	client := m.dial(t, alice, "/a")
	if err := client.WriteFile(t.Context(), "report", []byte("one")); err != nil {
		t.Fatal(err)
	}
	if err := a.AwaitUploaded(t.Context(), share.ID); err != nil {
		t.Fatal(err)
	}
	a.Cut(true)
	if err := client.WriteFile(t.Context(), "report", []byte("two")); err != nil {
		t.Fatal(err)
	}
	m.Lose("vol-cache")
	a.Cut(false)
	time.Sleep(300 * time.Millisecond)
	if got, _ := m.shelf.get("bucket-a/report"); got != "one" {
		t.Errorf("the bucket has %q", got)
	}
}

// torn takes the cache by force; there is none left.
func (m *testMachine) torn(t *testing.T) []machine.Disk {
	t.Helper()
	if err := m.Detach(t.Context(), "i-1", "vol-cache", true); err != nil {
		t.Fatal(err)
	}
	return nil
}

func TestABootTakesAsLongAsTold(t *testing.T) {
	m, _ := launched(t)
	m.halt(t, "i-1")
	m.BootIn(500 * time.Millisecond)
	began := time.Now()
	a := m.launch(t, "i-1", "vol-root", false, cacheDisk)
	eventually(t, "it runs", a.Connected)
	if took := time.Since(began); took < 500*time.Millisecond {
		t.Errorf("it took %s", took)
	}
}

func TestAnErasedVolumeHoldsNothing(t *testing.T) {
	m, _ := launched(t)
	m.halt(t, "i-1")
	m.Erase("vol-root")
	a := m.launch(t, "i-2", "vol-root", false, cacheDisk)
	eventually(t, "it gives a key: it is new", func() bool { _, err := m.key(); return err == nil })
	if a.Gateway() != "" {
		t.Errorf("it is %s", a.Gateway())
	}
}
