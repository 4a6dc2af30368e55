package appliance

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"

	"github.com/go-git/go-billy/v5"
	nfs "github.com/willscott/go-nfs"
)

// The port of NFS as security groups know it.
const nfsPort = 2049

// quietNFS stops the NFS server's own prints, once: they go to standard error by a global logger.
var quietNFS = sync.OnceFunc(func() { nfs.Log.SetLevel(nfs.PanicLevel) })

// serveNFS takes connections until the listener is closed. Each gets a server of its own, whose
// handler knows the client's address: requests don't carry it, and every request is checked.
func (a *Appliance) serveNFS(listener net.Listener) {
	quietNFS()
	from := &gate{Listener: listener, permits: func(from netip.Addr) bool { return a.machine.Permits(nfsPort, from) }}
	for {
		conn, err := from.Accept()
		if err != nil {
			return
		}
		tracked := &clientConn{Conn: conn, appliance: a}
		if !a.track(tracked) {
			_ = conn.Close()
			return
		}
		server := &nfs.Server{Handler: &session{appliance: a, from: remote(conn)}, Context: a.life}
		_ = server.Serve(&oneConn{conn: tracked}) // returns at once, with the end of the listener
	}
}

func (a *Appliance) track(conn net.Conn) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.phase != running {
		return false
	}
	a.conns[conn] = struct{}{}
	return true
}

// clientConn is a client's connection: it ends at the first error, which the server leaves open. It does not
// end with the rule that let it in: security groups track connections, and a rule that is taken away lets no new
// one in (Amazon VPC User Guide, "Security group connection tracking"). Who may use a share is asked for each
// request instead, see session.
type clientConn struct {
	net.Conn
	appliance *Appliance
}

func (c *clientConn) Read(into []byte) (int, error) {
	n, err := c.Conn.Read(into)
	if c.appliance.stuck() {
		n, err = 0, net.ErrClosed
	}
	if err != nil {
		_ = c.Close()
	}
	return n, err
}

// handles are those of the gateway's shares.
func (a *Appliance) handles() *handles {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.who.handles
}

func (c *clientConn) Close() error {
	c.appliance.mu.Lock()
	delete(c.appliance.conns, c)
	c.appliance.mu.Unlock()
	return c.Conn.Close()
}

// oneConn is a listener with one connection to give.
type oneConn struct{ conn net.Conn }

func (l *oneConn) Accept() (net.Conn, error) {
	if l.conn == nil {
		return nil, net.ErrClosed
	}
	conn := l.conn
	l.conn = nil
	return conn, nil
}

func (l *oneConn) Close() error   { return nil }
func (l *oneConn) Addr() net.Addr { return nil }

// session is the NFS server as one client's address sees it.
type session struct {
	appliance *Appliance
	from      netip.Addr
}

var errNotAdmitted = errors.New("the share's client list does not hold the client's address")

// Mount returns the root of a share to a client that its list holds.
func (s *session) Mount(_ context.Context, _ net.Conn, r nfs.MountRequest) (nfs.MountStatus, billy.Filesystem, []nfs.AuthFlavor) {
	sh, ok := s.appliance.byName(strings.Trim(string(r.Dirpath), "/"))
	if !ok {
		return nfs.MountStatusErrNoEnt, nil, nil
	}
	if !sh.admits(s.from) {
		return nfs.MountStatusErrAcces, nil, nil
	}
	return nfs.MountStatusOk, &view{files: sh.files, id: sh.definition().ID}, []nfs.AuthFlavor{nfs.AuthFlavorUnix, nfs.AuthFlavorNull}
}

// view is a share's files with the share's id, which handles are made with.
type view struct {
	*files
	id string
}

// ToHandle makes the handle of a path. A mount that was refused has no files, and needs none.
func (s *session) ToHandle(files billy.Filesystem, path []string) []byte {
	of, ok := files.(*view)
	if !ok {
		return nil
	}
	return s.appliance.handles().of(of.id, path)
}

// FromHandle resolves a handle if its share admits the client. Each request comes through here, so a
// handle that another client got is of no use, and one that was good ends with the client's place on
// the list. The server answers an error with "stale", as Linux's does in these cases.
func (s *session) FromHandle(handle []byte) (billy.Filesystem, []string, error) {
	id, path, ok := s.appliance.handles().resolve(handle)
	if !ok {
		return nil, nil, errors.New("unknown file handle")
	}
	sh, ok := s.appliance.byID(id)
	if !ok {
		return nil, nil, errors.New("the share of the file handle has ended")
	}
	if !sh.admits(s.from) {
		return nil, nil, errNotAdmitted
	}
	return &view{files: sh.files, id: id}, path, nil
}

// InvalidateHandle forgets the handle of a file that is gone.
func (s *session) InvalidateHandle(_ billy.Filesystem, handle []byte) error {
	s.appliance.handles().drop(handle)
	return nil
}

// Change returns what changes attributes.
func (s *session) Change(files billy.Filesystem) billy.Change {
	if of, ok := files.(*view); ok && !of.readOnly.Load() {
		return of.files
	}
	return nil
}

// FSStat reports the size that gateways report: there is always room in a bucket.
func (s *session) FSStat(_ context.Context, _ billy.Filesystem, stat *nfs.FSStat) error {
	const exbibyte = 1 << 60
	stat.TotalSize, stat.FreeSize, stat.AvailableSize = 8*exbibyte-1, 8*exbibyte-1, 8*exbibyte-1
	return nil
}

// HandleLimit is how many handles stay good: all.
func (s *session) HandleLimit() int { return 1 << 30 }
