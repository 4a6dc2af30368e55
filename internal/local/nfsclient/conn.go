package nfsclient

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/willscott/go-nfs-client/nfs/rpc"
	"github.com/willscott/go-nfs-client/nfs/xdr"
)

// callTimeout bounds a call whose context has no deadline.
const callTimeout = 10 * time.Second

// longestReply bounds what a server can make the client read.
const longestReply = 2 << 20

// conn speaks ONC RPC (RFC 5531) over one TCP connection, one call at a time.
type conn struct {
	net.Conn
	xid uint32
}

// call sends a call, whose first part is an rpc.Header, and returns what follows an accepted reply's
// head.
func (c *conn) call(ctx context.Context, call any) (io.Reader, error) {
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(callTimeout)
	}
	if err := c.SetDeadline(deadline); err != nil {
		return nil, fmt.Errorf("set a call's deadline: %w", err)
	}
	c.xid++
	var message bytes.Buffer
	message.Write(make([]byte, 4)) // the record mark
	for _, part := range []any{c.xid, uint32(0), call} {
		if err := xdr.Write(&message, part); err != nil {
			return nil, fmt.Errorf("encode a call: %w", err)
		}
	}
	record := message.Bytes()
	binary.BigEndian.PutUint32(record, uint32(len(record)-4)|1<<31)
	if _, err := c.Write(record); err != nil {
		return nil, fmt.Errorf("send a call: %w", err)
	}

	var mark uint32
	if err := binary.Read(c, binary.BigEndian, &mark); err != nil {
		return nil, fmt.Errorf("receive a reply: %w", err)
	}
	length := mark &^ (1 << 31)
	if length > longestReply {
		return nil, fmt.Errorf("receive a reply: %d bytes are too many", length)
	}
	reply := make([]byte, length)
	if _, err := io.ReadFull(c, reply); err != nil {
		return nil, fmt.Errorf("receive a reply: %w", err)
	}
	return c.accepted(bytes.NewReader(reply))
}

// accepted reads the head of a reply.
func (c *conn) accepted(reply io.Reader) (io.Reader, error) {
	var head struct{ XID, Type, Status uint32 }
	if err := xdr.Read(reply, &head); err != nil {
		return nil, fmt.Errorf("decode a reply: %w", err)
	}
	if head.XID != c.xid || head.Type != 1 {
		return nil, fmt.Errorf("decode a reply: it answers call %d, not %d", head.XID, c.xid)
	}
	if head.Status != rpc.MsgAccepted {
		return nil, fmt.Errorf("the server denies the call: status %d", head.Status)
	}
	var verifier rpc.Auth
	if err := xdr.Read(reply, &verifier); err != nil {
		return nil, fmt.Errorf("decode a reply: %w", err)
	}
	status, err := xdr.ReadUint32(reply)
	if err != nil {
		return nil, fmt.Errorf("decode a reply: %w", err)
	}
	if status != rpc.Success {
		return nil, fmt.Errorf("the server can't do the call: status %d", status)
	}
	return reply, nil
}
