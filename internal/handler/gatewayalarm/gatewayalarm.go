// Package gatewayalarm hears the alarms of share hosts, which are called by their hosts: of a machine and of a gateway the
// metrics name other things.
package gatewayalarm

import (
	"errors"
	"strings"

	"headroom/events"
	"headroom/internal/hostalarm"
	"headroom/internal/pool"
)

// Config is what a handler is built from: hostalarm's, but for Hosts, and how hosts' stacks are called.
type Config struct {
	hostalarm.Config
	StackPrefix string // "headroom-<stage>-"; an alarm is called by its host's stack and what it is about
}

// New makes the handler of the messages of the gateways' alarms queue.
func New(c Config) (*hostalarm.Handler, error) {
	if c.StackPrefix == "" {
		return nil, errors.New("gatewayalarm: every field of Config is required")
	}
	c.Hosts = func(alarm string, _ events.AlarmConfiguration) []pool.HostID { return hosts(c.StackPrefix, alarm) }
	return hostalarm.New(c.Config)
}

// hosts is the share host that an alarm is called by: "<prefix>share-<tier>-<number>-<what>".
func hosts(stackPrefix, alarm string) []pool.HostID {
	name, ok := strings.CutPrefix(alarm, stackPrefix)
	parts := strings.SplitN(name, "-", 4)
	if !ok || len(parts) < 4 || parts[3] == "" {
		return nil
	}
	id := pool.HostID(strings.Join(parts[:3], "-"))
	if key, _, err := id.Parse(); err != nil || key.Kind != pool.Share {
		return nil
	}
	return []pool.HostID{id}
}
