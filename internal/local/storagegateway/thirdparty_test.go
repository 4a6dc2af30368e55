package storagegateway

import (
	"net/netip"
	"testing"
	"time"

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
	time.Sleep(50 * time.Millisecond)
	connection, err := rpc.DialTCP("tcp", w.server().String(), false)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
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
