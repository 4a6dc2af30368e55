// Package nfs looks into file shares as their clients do: over NFS, from an address of its own. It writes nothing.
//
// File gateways serve NFS 4.1 (RFC 8881), for which port 2049 is all that is open; the local cloud's appliance serves
// NFS 3 (RFC 1813), with the mount protocol on the same port.
package nfs

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
)

// port is NFS's own.
const port = 2049

// Client is a client of shares.
type Client struct {
	Source netip.Addr // that it comes from; the zero value leaves the choice to the system
	Port   int        // 0: NFS's own
}

// Root lists what lies in the root of a share, up to most names. The share has to let this client in: an error says
// nothing of what is in it. Its context needs a deadline. It is not tried again.
func (c *Client) Root(ctx context.Context, host, path string, most int) ([]string, error) {
	names, err := c.root(ctx, host, path, most, root4)
	if errors.Is(err, errVersion) {
		names, err = c.root(ctx, host, path, most, root3)
	}
	if err != nil {
		return nil, fmt.Errorf("list the root of %s:%s: %w", host, path, err)
	}
	return names, nil
}

// lister lists a share by one version of NFS.
type lister func(c *conn, owner, path string, most int) ([]string, error)

func (c *Client) root(ctx context.Context, host, path string, most int, list lister) ([]string, error) {
	connection, err := c.dial(ctx, host)
	if err != nil {
		return nil, err
	}
	defer func() { _ = connection.Close() }()
	return list(connection, connection.LocalAddr().String(), path, most)
}

// dial connects to a server, for as long as the context has time.
func (c *Client) dial(ctx context.Context, host string) (*conn, error) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return nil, errors.New("the look has no deadline")
	}
	dialer := net.Dialer{}
	if c.Source.IsValid() {
		dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(c.Source, 0))
	}
	at := port
	if c.Port != 0 {
		at = c.Port
	}
	connection, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(at)))
	if err != nil {
		return nil, err
	}
	if err := connection.SetDeadline(deadline); err != nil {
		_ = connection.Close()
		return nil, err
	}
	return &conn{Conn: connection}, nil
}
