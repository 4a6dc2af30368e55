// Package master does things on database instances as their master users.
package master

import (
	"context"
	"errors"
	"fmt"

	"headroom/internal/pool"
)

// Instance is where an instance is, and who its master user is.
type Instance struct {
	Address string
	Port    int
	Secret  string // ARN of its master user's secret
}

// Of is a database host's instance.
func Of(host pool.Host) Instance {
	return Instance{host.Access.Address, host.Access.Port, host.Access.MasterSecret}
}

type vault interface {
	Master(ctx context.Context, arn string) (username, password string, err error)
}

// Do does something as the master user of an instance. A password that was rotated since it was read is read again, once.
func Do(ctx context.Context, v vault, i Instance, do func(pool.Login) error) error {
	for try := 1; ; try++ {
		username, password, err := v.Master(ctx, i.Secret)
		if err != nil {
			return fmt.Errorf("read the master secret of %s: %w", i.Address, err)
		}
		err = do(pool.Login{Host: i.Address, Port: i.Port, Username: username, Password: password})
		if try > 1 || !errors.Is(err, pool.ErrLogin) {
			return err
		}
	}
}
