// Package rdsalarm hears the alarms of database hosts, which name their instances by a dimension.
package rdsalarm

import (
	"errors"
	"strings"

	"headroom/events"
	"headroom/internal/hostalarm"
	"headroom/internal/pool"
)

// dimension is the dimension of RDS's metrics that names the instance.
const dimension = "DBInstanceIdentifier"

// Config is what a handler is built from: hostalarm's, but for Hosts, and how hosts' stacks are called.
type Config struct {
	hostalarm.Config
	StackPrefix string // "headroom-<stage>-"; an instance is called by its host's stack
}

// New makes the handler of the messages of the alarms queue.
func New(c Config) (*hostalarm.Handler, error) {
	if c.StackPrefix == "" {
		return nil, errors.New("rdsalarm: every field of Config is required")
	}
	c.Hosts = func(_ string, watched events.AlarmConfiguration) []pool.HostID { return hosts(c.StackPrefix, watched) }
	return hostalarm.New(c.Config)
}

// hosts are the database hosts whose instances an alarm watches.
func hosts(stackPrefix string, watched events.AlarmConfiguration) []pool.HostID {
	var ids []pool.HostID
	for _, instance := range watched.Values(dimension) {
		name, ok := strings.CutPrefix(instance, stackPrefix)
		id := pool.HostID(name)
		if key, _, err := id.Parse(); ok && err == nil && key.Kind == pool.Database {
			ids = append(ids, id)
		}
	}
	return ids
}
