package nfs

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func look(t *testing.T, c Client, path string, most int) ([]string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return c.Root(ctx, "127.0.0.1", path, most)
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func portOf(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }

// replay is a server of NFS 4.1 that answers as another did: testdata has what NFS-Ganesha 4.3 answered this client, a
// reply a line. It returns the calls that it got.
func replay(t *testing.T, replies [][]byte) (port int, calls func() [][]byte) {
	t.Helper()
	l := listen(t)
	var got [][]byte
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { _ = l.Close() }() // it speaks no other version
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer func() { _ = c.Close() }()
		for i := 0; ; i++ {
			call, err := record(c)
			if err != nil {
				return
			}
			got = append(got, call)
			if i == len(replies) {
				return
			}
			// In two fragments, as a server may.
			at := len(replies[i]) / 2
			for j, part := range [][]byte{replies[i][:at], replies[i][at:]} {
				mark := binary.BigEndian.AppendUint32(nil, uint32(len(part))|uint32(j)<<31)
				_, _ = c.Write(append(mark, part...))
			}
		}
	}()
	return portOf(l), func() [][]byte { <-done; return got }
}

func record(r io.Reader) ([]byte, error) {
	var mark [4]byte
	if _, err := io.ReadFull(r, mark[:]); err != nil {
		return nil, err
	}
	call := make([]byte, binary.BigEndian.Uint32(mark[:])&^lastFragment)
	_, err := io.ReadFull(r, call)
	return call, err
}

func recorded(t *testing.T, name string) (replies [][]byte) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".hex"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.FieldsSeq(string(text)) {
		reply, err := hex.DecodeString(line)
		if err != nil {
			t.Fatal(err)
		}
		replies = append(replies, reply)
	}
	return replies
}

func TestRootOverNFS41(t *testing.T) {
	for name, want := range map[string][]string{"three": {"one", "três", "two words"}, "empty": nil} {
		port, calls := replay(t, recorded(t, name))
		got, err := look(t, Client{Port: port}, "/def", 100)
		if slices.Sort(got); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if n := len(calls()); n != 5 {
			t.Errorf("%s: %d calls: the session was not ended", name, n)
		}
	}
}

func TestAShareThatIsNotThereIsNotEmpty(t *testing.T) {
	port, _ := replay(t, recorded(t, "none"))
	if got, err := look(t, Client{Port: port}, "/none", 100); err == nil || !strings.Contains(err.Error(), "status 2 of operation 3") {
		t.Errorf("got %q, %v", got, err)
	}
}

// A reply that ends too early is no empty share.
func TestACutReplyIsNoEmptyShare(t *testing.T) {
	replies := recorded(t, "empty")
	for cut := range len(replies[2]) {
		port, _ := replay(t, append(slices.Clone(replies[:2]), replies[2][:cut]))
		if got, err := look(t, Client{Port: port}, "/mem", 100); err == nil {
			t.Errorf("cut at %d: %q", cut, got)
		}
	}
}

func TestAClientComesFromItsAddress(t *testing.T) {
	l := listen(t)
	from := make(chan string, 2)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			from <- c.RemoteAddr().String()
			_ = c.Close()
		}
	}()
	if _, err := look(t, Client{Port: portOf(l), Source: netip.MustParseAddr("127.9.8.7")}, "/", 1); err == nil {
		t.Error("a connection that is closed is no share")
	}
	if got := <-from; !strings.HasPrefix(got, "127.9.8.7:") {
		t.Errorf("came from %s", got)
	}
	if _, err := (&Client{Port: portOf(l)}).Root(t.Context(), "127.0.0.1", "/", 1); err == nil {
		t.Error("looked without a deadline")
	}
}
