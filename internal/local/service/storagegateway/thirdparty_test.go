package storagegateway

import (
	"errors"
	"net/netip"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/willscott/go-nfs-client/nfs"
	"github.com/willscott/go-nfs-client/nfs/rpc"
)

// The share is used with somebody else's client, which can't choose its address.
func TestThirdPartyClientWorks(t *testing.T) {
	w := newWorld(t, "127.80.2.0/24")
	loopback := netip.MustParseAddr("127.0.0.1")
	w.share(t, w.cached(t), "a", loopback.String())
	w.letIn(t, loopback)
	eventually(t, "the rule is in force", func() bool { return mount(t, w, loopback, "/a") == nil })
	connection := dialThirdParty(t, w.server().String())
	mounter := nfs.Mount{Client: connection}
	target, err := mounter.Mount("/a", rpc.NewAuthUnix("test", 1000, 1000).Auth())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := target.Mkdir("folder", 0o755); err != nil {
		t.Fatal(err)
	}
	file, err := target.OpenFile("folder/file", 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Write([]byte("by another's client")); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	entries, err := target.ReadDirPlus("folder")
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, entry := range entries {
		if name := entry.Name(); name != "." && name != ".." {
			names = append(names, name)
		}
	}
	if !cmp.Equal(names, []string{"file"}) {
		t.Errorf("the folder holds %v", names)
	}
	if err := target.Rename("folder/file", "moved"); err != nil {
		t.Fatal(err)
	}
	if err := target.RmDir("folder"); err != nil {
		t.Fatal(err)
	}
}

// dialThirdParty connects the third-party client, which binds a port that it
// draws at random and gives up where that one is taken: then it draws again.
func dialThirdParty(t *testing.T, address string) *rpc.Client {
	t.Helper()
	const draws = 100
	for range draws {
		connection, err := rpc.DialTCP("tcp", address, false)
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(connection.Close)
		return connection
	}
	t.Fatalf("%d ports in a row were taken", draws)
	return nil
}
