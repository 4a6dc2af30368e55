package appliance

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"headroom/internal/local/machine"
	"headroom/internal/local/nfsclient"
)

const imported = "Successfully imported Storage Gateway information"

// migrate asks a new appliance to take over a gateway, once it answers.
func (m *testMachine) migrate(t *testing.T, gatewayID string) string {
	t.Helper()
	client := http.Client{Timeout: time.Second}
	defer client.CloseIdleConnections()
	var body string
	eventually(t, "its page answers", func() bool {
		response, err := client.Get(fmt.Sprintf("http://%s:%d/migrate?gatewayId=%s", m.address, testPage, gatewayID))
		if err != nil {
			return false
		}
		defer func() { _ = response.Body.Close() }()
		read, err := io.ReadAll(response.Body)
		body = string(read)
		return err == nil && !strings.Contains(body, errNotNew.Error()) // while it boots
	})
	return body
}

// attachAll gives the machine more disks while it runs.
func (m *testMachine) attachAll(t *testing.T, disks ...machine.Disk) {
	t.Helper()
	for _, disk := range disks {
		if err := m.Attach(t.Context(), m.id, disk); err != nil {
			t.Fatal(err)
		}
	}
}

var (
	oldRoot  = machine.Disk{VolumeID: "vol-root", Device: "/dev/sdf", SizeGiB: 80}
	oldCache = machine.Disk{VolumeID: "vol-cache", Device: "/dev/sdg", SizeGiB: 150}
)

// failed is a gateway whose machine is gone, with a file that was not uploaded, and the mount of who wrote it.
func failed(t *testing.T) (*testMachine, *nfsclient.Client) {
	t.Helper()
	m, a := launched(t)
	m.export(t, a, "a", alice)
	a.Cut(true)
	mounted := m.dial(t, alice, "/a")
	if err := mounted.WriteFile(t.Context(), "dirty", []byte("not uploaded")); err != nil {
		t.Fatal(err)
	}
	m.halt(t, "i-1")
	return m, mounted
}

func TestANewMachineTakesAGatewayOver(t *testing.T) {
	m, mounted := failed(t)
	a := m.launch(t, "i-2", "vol-new", false)
	m.attachAll(t, oldRoot, oldCache)
	began := time.Now()
	if body := m.migrate(t, "sgw-12345678"); body != imported {
		t.Fatalf("answered %q", body)
	}
	eventually(t, "it runs", a.Connected)
	if took := time.Since(began); took < 100*time.Millisecond {
		t.Errorf("it runs after %s", took)
	}
	if a.Gateway() != "sgw-12345678" {
		t.Errorf("it is %s", a.Gateway())
	}
	if _, err := m.key(); err == nil {
		t.Error("it gives activation keys")
	}
	m.halt(t, "i-2")
	a = m.launch(t, "i-2", "vol-new", false, oldRoot, oldCache)
	time.Sleep(300 * time.Millisecond)
	if a.Connected() {
		t.Error("it runs with the old root attached")
	}
	m.halt(t, "i-2")
	a = m.launch(t, "i-2", "vol-new", false, oldCache)
	eventually(t, "it runs without the old root", a.Connected)
	if got, err := m.again(t, mounted).ReadFile(t.Context(), "dirty"); err != nil || string(got) != "not uploaded" {
		t.Errorf("by the handle of before: %q, %v", got, err)
	}
	eventually(t, "what was dirty is uploaded", func() bool {
		got, _ := m.shelf.get("bucket-a/dirty")
		return got == "not uploaded"
	})
}

func TestHandlesMayEndWithAnImport(t *testing.T) {
	m, mounted := failed(t)
	m.cfg.StaleHandles = true
	a := m.launch(t, "i-2", "vol-new", false)
	m.attachAll(t, oldRoot, oldCache)
	m.migrate(t, "sgw-12345678")
	eventually(t, "it runs", a.Connected)
	if _, err := m.again(t, mounted).ReadFile(t.Context(), "dirty"); !nfsclient.Refused(err) {
		t.Errorf("by the handle of before: %v", err)
	}
	if got, err := m.dial(t, alice, "/a").ReadFile(t.Context(), "dirty"); err != nil || string(got) != "not uploaded" {
		t.Errorf("mounted anew: %q, %v", got, err)
	}
}

func TestAnImportIsRefusedUnlessAllDisksAreThere(t *testing.T) {
	spare := machine.Disk{VolumeID: "vol-spare", Device: "/dev/sdh", SizeGiB: 150}
	for name, test := range map[string]struct {
		disks   []machine.Disk
		gateway string
		version string
		lost    bool
		want    string
	}{
		"no cache":         {disks: []machine.Disk{oldRoot}, want: "cache disk count mismatch"},
		"a disk too many":  {disks: []machine.Disk{oldRoot, oldCache, spare}, want: "cache disk count mismatch"},
		"another cache":    {disks: []machine.Disk{oldRoot, spare}, want: "cache disk count mismatch"},
		"a lost cache":     {disks: []machine.Disk{oldRoot, oldCache}, lost: true, want: "cache disk count mismatch"},
		"no old root":      {disks: []machine.Disk{oldCache}, want: errNoOldRoot.Error()},
		"another gateway":  {disks: []machine.Disk{oldRoot, oldCache}, gateway: "sgw-87654321", want: errOtherRoot.Error()},
		"an older image":   {disks: []machine.Disk{oldRoot, oldCache}, version: "1.27.0", want: errGeneration.Error()},
		"a newer image":    {disks: []machine.Disk{oldRoot, oldCache}, version: "3.0.0", want: imported},
		"all that it has":  {disks: []machine.Disk{oldRoot, oldCache}, want: imported},
		"by another order": {disks: []machine.Disk{oldCache, oldRoot}, want: imported},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := failed(t)
			if test.lost {
				m.Lose("vol-cache")
			}
			m.cfg.Version = func(image string) string {
				if image == "ami-i-2" && test.version != "" {
					return test.version
				}
				return "2.0.0"
			}
			a := m.launch(t, "i-2", "vol-new", false)
			m.attachAll(t, test.disks...)
			if test.gateway == "" {
				test.gateway = "sgw-12345678"
			}
			if body := m.migrate(t, test.gateway); !strings.Contains(body, test.want) {
				t.Errorf("answered %q", body)
			}
			if test.want == imported {
				eventually(t, "it runs", a.Connected)
			} else if a.Gateway() != "" {
				t.Errorf("it is %s", a.Gateway())
			}
		})
	}
}

func TestAnActivatedApplianceImportsNothing(t *testing.T) {
	m, a := launched(t)
	client := http.Client{Timeout: time.Second}
	defer client.CloseIdleConnections()
	response, err := client.Get(fmt.Sprintf("http://%s:%d/migrate?gatewayId=sgw-12345678", m.address, testPage))
	if err == nil {
		_ = response.Body.Close()
		t.Errorf("answered %s", response.Status)
	}
	if !a.Connected() {
		t.Error("it runs no longer")
	}
}
