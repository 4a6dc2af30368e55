package nfs

import (
	"fmt"
	"strings"
)

// Numbers of NFS 4.1 (RFC 5662).
const (
	version4  = 4
	compound  = 1
	minor     = 1
	sessionID = 16

	opLookup          = 15
	opPutRootFH       = 24
	opReaddir         = 26
	opExchangeID      = 42
	opCreateSession   = 43
	opDestroySession  = 44
	opSequence        = 53
	opDestroyClientID = 57
)

// tag is what a compound bears, and its reply: what lacks it is none. A server of NFS 3 alone may take it for another
// call.
const tag = "headroom"

// root4 lists a share by NFS 4.1, in a session of its own.
func root4(c *conn, owner, path string, most int) (names []string, err error) {
	client, sequence, err := exchangeID(c, owner)
	if err != nil {
		return nil, err
	}
	s, err := createSession(c, client, sequence)
	if err != nil {
		return nil, err
	}
	defer s.end(client)
	return list(most, func(cookie uint64, verifier []byte) (*decoder, error) {
		return s.readdir(path, cookie, verifier)
	}, func(d *decoder) (string, uint64) {
		cookie := d.uint64()
		name := string(d.opaque())
		for range d.uint32() { // attributes that are there: none were asked for
			if d.uint32(); d.err != nil {
				break
			}
		}
		d.opaque()
		return name, cookie
	})
}

// operations is a compound while it is written.
type operations struct {
	encoder
	count uint32
}

func (o *operations) add(op uint32) {
	o.count++
	o.uint32(op)
}

// run sends a compound, and returns the results of its operations, of which all were done.
func (c *conn) run(o operations) (*decoder, error) {
	var e encoder
	e.opaque(tag)
	e.uint32(minor)
	e.uint32(o.count)
	d, err := c.call(programNFS, version4, compound, append(e, o.encoder...))
	if err != nil {
		return nil, err
	}
	status, got, count := d.uint32(), string(d.opaque()), d.uint32()
	switch {
	case d.err != nil || got != tag:
		return nil, errVersion
	case status == 10021: // NFS4ERR_MINOR_VERS_MISMATCH
		return nil, fmt.Errorf("%w: status %d", errVersion, status)
	case status != 0:
		return nil, fmt.Errorf("status %d of operation %d", status, count)
	case count != o.count:
		return nil, errReply
	}
	return d, nil
}

// done reads the head of the result of one operation.
func (d *decoder) done(op uint32) error {
	if got, status := d.uint32(), d.uint32(); d.err != nil || got != op || status != 0 {
		return fmt.Errorf("%w: operation %d, status %d", errReply, got, status)
	}
	return nil
}

func exchangeID(c *conn, owner string) (client uint64, sequence uint32, err error) {
	var o operations
	o.add(opExchangeID)
	o.uint64(1) // the verifier: of this life of the owner, whose port is in its name
	o.opaque("headroom " + owner)
	o.uint32(0) // flags
	o.uint32(0) // no protection of states
	o.uint32(0) // no name of the implementation
	d, err := c.run(o)
	if err == nil {
		err = d.done(opExchangeID)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("introduce itself: %w", err)
	}
	client, sequence = d.uint64(), d.uint32()
	return client, sequence, d.err
}

// session is where operations of NFS 4.1 are done: one after the other, in its only slot.
type session struct {
	c        *conn
	id       []byte
	sequence uint32
}

func createSession(c *conn, client uint64, sequence uint32) (*session, error) {
	var o operations
	o.add(opCreateSession)
	o.uint64(client)
	o.uint32(sequence)
	o.uint32(0) // flags
	for range 2 {
		// The two channels: no padding, sizes of requests, responses, and responses that are kept, operations of a
		// compound, requests at once, no RDMA.
		for _, v := range []uint32{0, 64 << 10, 2 * pageSize, 4 << 10, 64, 1, 0} {
			o.uint32(v)
		}
	}
	o.uint32(0) // program of callbacks
	o.uint32(1) // their one flavour of security: none
	o.uint32(authNone)
	d, err := c.run(o)
	if err == nil {
		err = d.done(opCreateSession)
	}
	if err != nil {
		return nil, fmt.Errorf("create a session: %w", err)
	}
	s := &session{c: c, id: d.fixed(sessionID)}
	return s, d.err
}

// readdir asks for a page of a folder below the root, and returns it from its verifier on.
func (s *session) readdir(path string, cookie uint64, verifier []byte) (*decoder, error) {
	s.sequence++
	var o operations
	o.add(opSequence)
	o.fixed(s.id)
	o.uint32(s.sequence)
	o.uint32(0) // slot
	o.uint32(0) // the highest one
	o.uint32(0) // its reply need not be kept
	o.add(opPutRootFH)
	parts := strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
	for _, part := range parts {
		o.add(opLookup)
		o.opaque(part)
	}
	o.add(opReaddir)
	o.uint64(cookie)
	o.fixed(verifier)
	o.uint32(pageSize) // names alone
	o.uint32(pageSize)
	o.uint32(0) // no attributes
	d, err := s.c.run(o)
	if err != nil {
		return nil, fmt.Errorf("read the root: %w", err)
	}
	ops := []uint32{opSequence, opPutRootFH}
	for range parts {
		ops = append(ops, opLookup)
	}
	for _, op := range append(ops, opReaddir) {
		if err := d.done(op); err != nil {
			return nil, fmt.Errorf("read the root: %w", err)
		}
		if op == opSequence {
			d.fixed(sessionID + 5*4)
		}
	}
	return d, nil
}

// end gives back what the server keeps for the session. It does so by itself after a while.
func (s *session) end(client uint64) {
	var o operations
	o.add(opDestroySession)
	o.fixed(s.id)
	if _, err := s.c.run(o); err != nil {
		return
	}
	o = operations{}
	o.add(opDestroyClientID)
	o.uint64(client)
	_, _ = s.c.run(o) // it ends by itself
}
