package nfs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"headroom/internal/pool"
)

const (
	// nullTimeout is the deadline of one proof that a server serves.
	nullTimeout = 5 * time.Second
	// procedureNull does nothing and answers, in every version of every program (RFC 5531, section 12.1).
	procedureNull = 0
)

// Null proves that a server of NFS answers at host: it does the procedure that does nothing, for which no share has to
// let this client in (NFSPROC4_NULL, RFC 7530, section 15.1), and says nothing of any share. pool.ErrUnreachable when it
// does not: nobody listens, or takes the call and does not answer in time, as a gateway that hangs. It is not tried again.
func (c *Client) Null(ctx context.Context, host string) error {
	ctx, cancel := context.WithTimeout(ctx, nullTimeout)
	defer cancel()
	err := c.null(ctx, host, version4)
	if errors.Is(err, errVersion) {
		err = c.null(ctx, host, version3)
	}
	if err != nil {
		return fmt.Errorf("call NFS at %s: %w: %w", host, pool.ErrUnreachable, err)
	}
	return nil
}

func (c *Client) null(ctx context.Context, host string, version uint32) error {
	connection, err := c.dial(ctx, host)
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close() }()
	_, err = connection.call(programNFS, version, procedureNull, nil)
	return err
}
