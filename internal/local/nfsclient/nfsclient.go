// Package nfsclient is a small NFSv3 client that chooses the address it comes from: with it a test
// or a demonstration is now one tenant's instance and now another's.
package nfsclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path"
	"strings"
	"syscall"

	"github.com/willscott/go-nfs-client/nfs"
	"github.com/willscott/go-nfs-client/nfs/rpc"
	"github.com/willscott/go-nfs-client/nfs/xdr"
)

// chunk is how much one READ or WRITE carries.
const chunk = 256 << 10

// Errors by which a server keeps a client out. See Refused.
var (
	ErrMountDenied = errors.New("mount denied by the server (MNT3ERR_ACCES)")
	ErrNoExport    = errors.New("no such export (MNT3ERR_NOENT)")
)

// Refused reports whether an error is a server's or a firewall's refusal of this client: a denied
// mount, a handle that is stale for it, a connection that was reset or closed.
func Refused(err error) bool {
	var status *nfs.Error
	if errors.As(err, &status) {
		return status.ErrorNum == nfs.NFS3ErrStale || status.ErrorNum == nfs.NFS3ErrAcces
	}
	return errors.Is(err, ErrMountDenied) || errors.Is(err, os.ErrPermission) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.ECONNREFUSED) ||
		errors.Is(err, syscall.EPIPE) || errors.Is(err, io.EOF)
}

// Client is a mounted share. It is for one goroutine at a time.
type Client struct {
	conn *conn
	auth rpc.Auth
	root []byte
}

// Dial mounts an export, such as "/share", from a source address; an invalid one leaves the choice
// to the system.
func Dial(ctx context.Context, server netip.AddrPort, source netip.Addr, export string) (*Client, error) {
	c, err := connect(ctx, server, source)
	if err != nil {
		return nil, err
	}
	if c.root, err = c.mount(ctx, export); err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("mount %s:%s from %s: %w", server, export, source, err)
	}
	return c, nil
}

// Reuse goes without a mount: it takes the root handle that another client got by one. A server has
// to refuse it where it would have refused the mount.
func Reuse(ctx context.Context, server netip.AddrPort, source netip.Addr, root []byte) (*Client, error) {
	c, err := connect(ctx, server, source)
	if err != nil {
		return nil, err
	}
	c.root = root
	return c, nil
}

func connect(ctx context.Context, server netip.AddrPort, source netip.Addr) (*Client, error) {
	dialer := net.Dialer{Timeout: callTimeout}
	if source.IsValid() {
		dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(source, 0))
	}
	connection, err := dialer.DialContext(ctx, "tcp", server.String())
	if err != nil {
		return nil, fmt.Errorf("connect to %s from %s: %w", server, source, err)
	}
	return &Client{
		conn: &conn{Conn: connection},
		auth: rpc.NewAuthUnix("headroom", 65534, 65534).Auth(),
	}, nil
}

// Close ends the connection.
func (c *Client) Close() error { return c.conn.Close() }

// Root is the handle of the share's root folder.
func (c *Client) Root() []byte { return c.root }

func (c *Client) mount(ctx context.Context, export string) ([]byte, error) {
	reply, err := c.conn.call(ctx, &struct {
		rpc.Header
		Path string
	}{c.header(nfs.MountProg, nfs.MountVers, nfs.MountProc3MNT), export})
	if err != nil {
		return nil, err
	}
	status, err := xdr.ReadUint32(reply)
	if err != nil {
		return nil, fmt.Errorf("decode the mount's status: %w", err)
	}
	switch status {
	case nfs.MNT3Ok:
		root, err := xdr.ReadOpaque(reply)
		if err != nil {
			return nil, fmt.Errorf("decode the root's handle: %w", err)
		}
		return root, nil
	case nfs.MNT3ErrAcces, nfs.MNT3ErrPerm:
		return nil, ErrMountDenied
	case nfs.MNT3ErrNoEnt:
		return nil, ErrNoExport
	default:
		return nil, fmt.Errorf("mount status %d", status)
	}
}

// WriteFile writes a file whole, in a folder that is there.
func (c *Client) WriteFile(ctx context.Context, name string, data []byte) error {
	folder, err := c.lookup(ctx, path.Dir(path.Clean("/"+name)))
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	handle, err := c.create(ctx, folder, path.Base(name))
	if err != nil {
		return fmt.Errorf("create %s: %w", name, err)
	}
	for offset := 0; offset < len(data); offset += chunk {
		part := data[offset:min(offset+chunk, len(data))]
		if err := c.write(ctx, handle, uint64(offset), part); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return nil
}

// ReadFile reads a file whole.
func (c *Client) ReadFile(ctx context.Context, name string) ([]byte, error) {
	handle, err := c.lookup(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	var data []byte
	for {
		part, end, err := c.read(ctx, handle, uint64(len(data)))
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		if data = append(data, part...); end || len(part) == 0 {
			return data, nil
		}
	}
}

// Remove deletes a file.
func (c *Client) Remove(ctx context.Context, name string) error {
	folder, err := c.lookup(ctx, path.Dir(path.Clean("/"+name)))
	if err != nil {
		return fmt.Errorf("remove %s: %w", name, err)
	}
	_, err = c.call(ctx, &struct {
		rpc.Header
		What nfs.Diropargs3
	}{c.nfs(nfs.NFSProc3Remove), nfs.Diropargs3{FH: folder, Filename: path.Base(name)}})
	if err != nil {
		return fmt.Errorf("remove %s: %w", name, err)
	}
	return nil
}

// Symlink makes a symbolic link, in a folder that is there.
func (c *Client) Symlink(ctx context.Context, target, name string) error {
	folder, err := c.lookup(ctx, path.Dir(path.Clean("/"+name)))
	if err != nil {
		return fmt.Errorf("link %s: %w", name, err)
	}
	_, err = c.call(ctx, &struct {
		rpc.Header
		Where  nfs.Diropargs3
		Attr   nfs.Sattr3
		Target string
	}{c.nfs(nfs.NFSProc3Symlink), nfs.Diropargs3{FH: folder, Filename: path.Base(name)}, nfs.Sattr3{}, target})
	if err != nil {
		return fmt.Errorf("link %s: %w", name, err)
	}
	return nil
}

// lookup finds the handle of a path below the root.
func (c *Client) lookup(ctx context.Context, name string) ([]byte, error) {
	handle := c.root
	for _, element := range strings.Split(strings.Trim(path.Clean("/"+name), "/"), "/") {
		if element == "" {
			continue
		}
		reply, err := c.call(ctx, &struct {
			rpc.Header
			What nfs.Diropargs3
		}{c.nfs(nfs.NFSProc3Lookup), nfs.Diropargs3{FH: handle, Filename: element}})
		if err != nil {
			return nil, err
		}
		if handle, err = xdr.ReadOpaque(reply); err != nil {
			return nil, fmt.Errorf("decode the handle of %s: %w", element, err)
		}
	}
	return handle, nil
}

// create makes a file, or empties it.
func (c *Client) create(ctx context.Context, folder []byte, name string) ([]byte, error) {
	reply, err := c.call(ctx, &struct {
		rpc.Header
		Where nfs.Diropargs3
		How   uint32 // 0: whether it is there or not
		Attr  nfs.Sattr3
	}{
		Header: c.nfs(nfs.NFSProc3Create),
		Where:  nfs.Diropargs3{FH: folder, Filename: name},
		Attr: nfs.Sattr3{
			Mode: nfs.SetMode{SetIt: true, Mode: 0o644},
			Size: nfs.SetSize{SetIt: true},
		},
	})
	if err != nil {
		return nil, err
	}
	var handle nfs.PostOpFH3
	if err := xdr.Read(reply, &handle); err != nil {
		return nil, fmt.Errorf("decode a new file's handle: %w", err)
	}
	if !handle.IsSet {
		return nil, errors.New("the server gave no handle for the new file")
	}
	return handle.FH, nil
}

func (c *Client) write(ctx context.Context, handle []byte, offset uint64, data []byte) error {
	reply, err := c.call(ctx, &struct {
		rpc.Header
		FH     []byte
		Offset uint64
		Count  uint32
		How    uint32 // 2: on stable storage before the reply
		Data   []byte
	}{c.nfs(nfs.NFSProc3Write), handle, offset, uint32(len(data)), 2, data})
	if err != nil {
		return err
	}
	var result struct {
		Wcc   nfs.WccData
		Count uint32
	}
	if err := xdr.Read(reply, &result); err != nil {
		return fmt.Errorf("decode a write's result: %w", err)
	}
	if int(result.Count) != len(data) {
		return io.ErrShortWrite
	}
	return nil
}

func (c *Client) read(ctx context.Context, handle []byte, offset uint64) (data []byte, end bool, err error) {
	reply, err := c.call(ctx, &struct {
		rpc.Header
		FH     []byte
		Offset uint64
		Count  uint32
	}{c.nfs(nfs.NFSProc3Read), handle, offset, chunk})
	if err != nil {
		return nil, false, err
	}
	var result struct {
		Attr  nfs.PostOpAttr
		Count uint32
		EOF   uint32
		Data  []byte
	}
	if err := xdr.Read(reply, &result); err != nil {
		return nil, false, fmt.Errorf("decode a read's result: %w", err)
	}
	return result.Data, result.EOF != 0, nil
}

// call does an NFS call and reads its status.
func (c *Client) call(ctx context.Context, call any) (io.Reader, error) {
	reply, err := c.conn.call(ctx, call)
	if err != nil {
		return nil, err
	}
	status, err := xdr.ReadUint32(reply)
	if err != nil {
		return nil, fmt.Errorf("decode a call's status: %w", err)
	}
	if err := nfs.NFS3Error(status); err != nil {
		return nil, err
	}
	return reply, nil
}

func (c *Client) nfs(procedure uint32) rpc.Header {
	return c.header(nfs.Nfs3Prog, nfs.Nfs3Vers, procedure)
}

func (c *Client) header(program, version, procedure uint32) rpc.Header {
	return rpc.Header{Rpcvers: 2, Prog: program, Vers: version, Proc: procedure, Cred: c.auth, Verf: rpc.AuthNull}
}
