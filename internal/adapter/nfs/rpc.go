package nfs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
)

const (
	rpcVersion = 2
	programNFS = 100003
	// longestReply bounds what a server can make the client read.
	longestReply = 1 << 20
	lastFragment = 1 << 31

	authNone = 0
	authUnix = 1
	nobody   = 65534
)

var (
	// errVersion means that the server does not speak this version of the protocol.
	errVersion = errors.New("the server has another version")
	errReply   = errors.New("the server's reply makes no sense")
)

// conn speaks ONC RPC (RFC 5531) over one TCP connection, one call at a time, as nobody.
type conn struct {
	net.Conn
	xid uint32
}

// call sends a call and returns the result of an accepted reply.
func (c *conn) call(program, version, procedure uint32, arguments []byte) (*decoder, error) {
	c.xid++
	var e encoder
	e.uint32(0) // the record's mark, below
	for _, v := range []uint32{c.xid, 0, rpcVersion, program, version, procedure} {
		e.uint32(v)
	}
	var credential encoder
	credential.uint32(0) // stamp
	credential.opaque("headroom")
	credential.uint32(nobody)
	credential.uint32(nobody)
	credential.uint32(0) // further groups
	e.uint32(authUnix)
	e.opaque(string(credential))
	e.uint32(authNone)
	e.uint32(0)
	e = append(e, arguments...)
	binary.BigEndian.PutUint32(e, uint32(len(e)-4)|lastFragment)
	if _, err := c.Write(e); err != nil {
		return nil, fmt.Errorf("send a call: %w", err)
	}
	reply, err := c.reply()
	if err != nil {
		return nil, fmt.Errorf("receive a reply: %w", err)
	}
	return c.accepted(&decoder{rest: reply})
}

// reply reads a record of one or more fragments.
func (c *conn) reply() ([]byte, error) {
	var reply []byte
	for {
		var mark [4]byte
		if _, err := io.ReadFull(c, mark[:]); err != nil {
			return nil, err
		}
		m := binary.BigEndian.Uint32(mark[:])
		n := int(m &^ lastFragment)
		if len(reply)+n > longestReply {
			return nil, fmt.Errorf("%w: it is too long", errReply)
		}
		begin := len(reply)
		reply = append(reply, make([]byte, n)...)
		if _, err := io.ReadFull(c, reply[begin:]); err != nil {
			return nil, err
		}
		if m&lastFragment != 0 {
			return reply, nil
		}
	}
}

// accepted reads the head of a reply.
func (c *conn) accepted(d *decoder) (*decoder, error) {
	xid, kind, denied := d.uint32(), d.uint32(), d.uint32()
	if d.err != nil || xid != c.xid || kind != 1 {
		return nil, errReply
	}
	if denied != 0 {
		return nil, errors.New("the server denies the call")
	}
	d.uint32() // the verifier
	d.opaque()
	switch status := d.uint32(); {
	case d.err != nil:
		return nil, errReply
	case status == 1 || status == 2 || status == 3: // no such program, version, procedure
		return nil, errVersion
	case status != 0:
		return nil, fmt.Errorf("the server can't do the call: status %d", status)
	}
	return d, nil
}
