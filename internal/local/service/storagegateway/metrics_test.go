package storagegateway

import (
	"net/netip"
	"testing"

	"headroom/internal/local/nfsclient"
)

func TestAGatewayTellsHowManyFilesFailToUpload(t *testing.T) {
	w := newWorld(t, "127.80.9.0/24")
	gateway := w.cached(t)
	w.share(t, gateway, "a", alice.String()+"/32")
	w.letIn(t, alice)
	failing := func() (count float64) {
		count = -1
		w.fake.Measure(func(id, name, metric, unit string, value float64) {
			if "arn:aws:storagegateway:"+region+":"+account+":gateway/"+id != gateway || name != "share-standard-1" {
				t.Errorf("%s (%s) has sent %s in %s", id, name, metric, unit)
			}
			if metric == "FilesFailingUpload" && unit == "Count" {
				count = value
			}
		})
		return count
	}
	eventually(t, "nothing fails", func() bool { return failing() == 0 })
	w.denied.Store(true)
	write(t, w.server(), alice, "/a", "one", "two")
	eventually(t, "two files fail", func() bool { return failing() == 2 })
	w.denied.Store(false)
	eventually(t, "nothing fails any more", func() bool { return failing() == 0 })
}

func TestAGatewayTellsHowMuchItUploaded(t *testing.T) {
	w := newWorld(t, "127.80.10.0/24")
	gateway := w.cached(t)
	w.share(t, gateway, "a", alice.String()+"/32")
	w.letIn(t, alice)
	write(t, w.server(), alice, "/a", "one", "two")
	uploaded := 0.0
	eventually(t, "all of it is uploaded", func() bool {
		w.fake.Measure(func(_, _, metric, _ string, value float64) {
			if metric == "CloudBytesUploaded" {
				uploaded += value // since it was last asked
			}
		})
		return uploaded == float64(2*len("content"))
	})
}

func TestAGatewayTellsWhatItsClientsReadAndWrote(t *testing.T) {
	w := newWorld(t, "127.80.12.0/24")
	gateway := w.cached(t)
	w.share(t, gateway, "a", alice.String()+"/32")
	w.letIn(t, alice)
	measured := func() (read, written float64) {
		w.fake.Measure(func(_, _, metric, _ string, value float64) {
			switch metric {
			case "ReadBytes":
				read = value
			case "WriteBytes":
				written = value
			}
		})
		return read, written
	}
	write(t, w.server(), alice, "/a", "one", "two")
	if read, written := measured(); read != 0 || written != float64(2*len("content")) {
		t.Errorf("after two files were written: %v read, %v written", read, written)
	}
	client, err := nfsclient.Dial(t.Context(), w.server(), alice, "/a")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	if _, err := client.ReadFile(t.Context(), "one"); err != nil {
		t.Fatal(err)
	}
	if read, written := measured(); read != float64(len("content")) || written != 0 {
		t.Errorf("after one was read: %v read, %v written", read, written)
	}
}

// write writes files to a share.
func write(t *testing.T, server netip.AddrPort, from netip.Addr, export string, names ...string) {
	t.Helper()
	var client *nfsclient.Client
	eventually(t, "the share can be mounted", func() (ok bool) {
		var err error
		client, err = nfsclient.Dial(t.Context(), server, from, export)
		return err == nil
	})
	defer func() { _ = client.Close() }()
	for _, name := range names {
		if err := client.WriteFile(t.Context(), name, []byte("content")); err != nil {
			t.Fatal(err)
		}
	}
}
