package nfs

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/internal/local/machine"
	"headroom/internal/local/machine/appliance"
)

const (
	activationPort = 18083
	appliancePort  = 12053
)

var (
	task  = netip.MustParseAddr("127.31.0.1")
	other = netip.MustParseAddr("127.31.0.2")
)

// bucket is what the appliance's shares are over: keys without content.
type bucket []string

func (bucket) Put(context.Context, appliance.Bucket, string, []byte) error { return nil }
func (bucket) Delete(context.Context, appliance.Bucket, string) error      { return nil }
func (b bucket) Keys(context.Context, appliance.Bucket) ([]string, error)  { return b, nil }
func (bucket) Get(context.Context, appliance.Bucket, string) ([]byte, error) {
	return nil, nil
}

// launch starts an appliance, as the local cloud has them, with a share "/def" over the keys, and returns how to open
// that.
func launch(t *testing.T, keys bucket) (host string, open func(to netip.Addr)) {
	t.Helper()
	address := netip.MustParseAddr("127.79.0.1")
	fleet := appliance.NewFleet(appliance.Config{
		Dir: t.TempDir(), Objects: keys, ActivationPort: activationPort, NFSPort: appliancePort,
		Boot: time.Millisecond, Reboot: time.Millisecond, Log: slog.New(slog.DiscardHandler),
	})
	t.Cleanup(func() { _ = fleet.Close() })
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(fleet.Hold(address))
	check(fleet.Start(t.Context(), machine.Machine{
		InstanceID: "i-1", Address: address, Permits: func(int, netip.Addr) bool { return true },
		Disks: []machine.Disk{{VolumeID: "vol-root", Device: "/dev/xvda", SizeGiB: 80, Root: true}},
	}))
	check(fleet.Attach(t.Context(), "i-1", machine.Disk{VolumeID: "vol-cache", Device: "/dev/sdf", SizeGiB: 150}))
	a, _ := fleet.ByInstance("i-1")
	var key string
	eventually(t, func() bool {
		var err error
		key, err = activationKey(address)
		return err == nil
	})
	_, err := a.Activate(key, "eu-west-1", "sgw-12345678")
	check(err)
	eventually(t, a.Connected)
	check(a.AddCache([]string{a.Disks()[0].ID}))
	return address.String(), func(to netip.Addr) {
		t.Helper()
		check(a.Export(t.Context(), appliance.Share{
			ID: "share-1", Name: "def", Bucket: appliance.Bucket{Name: "bucket"}, Clients: []netip.Prefix{netip.PrefixFrom(to, 32)},
		}))
	}
}

func activationKey(of netip.Addr) (string, error) {
	client := http.Client{Timeout: time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	response, err := client.Get(fmt.Sprintf("http://%s:%d/?activationRegion=eu-west-1", of, activationPort))
	if err != nil {
		return "", err
	}
	_ = response.Body.Close()
	location, err := url.Parse(response.Header.Get("Location"))
	if err != nil || response.StatusCode != http.StatusFound {
		return "", fmt.Errorf("status %d: %w", response.StatusCode, err)
	}
	return location.Query().Get("activationKey"), nil
}

func eventually(t *testing.T, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if is() {
			return
		}
	}
	t.Fatal("not in time")
}

// The local cloud's appliance knows NFS 3 alone.
func TestRootOverNFS3(t *testing.T) {
	many := make(bucket, 400)
	for i := range many {
		many[i] = fmt.Sprintf("file %03d", i)
	}
	for _, test := range []struct {
		name string
		keys bucket
		most int
		want []string
	}{
		{"empty", nil, 10, nil},
		{"a file and a folder", bucket{"file", "folder/inside"}, 10, []string{"file", "folder"}},
		{"more than are wanted", many, 21, many[:21]},
		{"more than a page", many, 1000, many},
	} {
		t.Run(test.name, func(t *testing.T) {
			host, open := launch(t, test.keys)
			client := Client{Source: task, Port: appliancePort}
			look := func() ([]string, error) {
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				return client.Root(ctx, host, "/def", test.most)
			}
			if got, err := look(); err == nil {
				t.Errorf("before there is a share: %q", got)
			}
			open(other)
			if got, err := look(); err == nil || !strings.Contains(err.Error(), "mount it") {
				t.Errorf("open to another: %q, %v", got, err)
			}
			open(task)
			got, err := look()
			if slices.Sort(got); err != nil || !slices.Equal(got, test.want) {
				t.Errorf("got %d names, want %d: %v", len(got), len(test.want), err)
			}
		})
	}
}
