// Package hostalarms wires what hears the alarms of hosts, of either kind.
package hostalarms

import (
	"context"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"

	"headroom/events"
	"headroom/internal/announce"
	"headroom/internal/function"
	"headroom/internal/function/notices"
	"headroom/internal/hostalarm"
	"headroom/internal/pool"
	"headroom/internal/shelf"
)

// Environment is where it finds what it needs.
type Environment struct {
	Stage, TableName, BusName   string
	PoolCheckQueue, NotifyTopic string // URL, ARN
	Runbooks                    string // address of docs/runbooks.md
}

// Usage reads what the tenants of a database host use now.
type Usage interface {
	Usage(ctx context.Context, h pool.Host) ([]events.TenantUse, error)
}

// Config makes all of a handler's configuration but for which hosts an alarm is of. usage may be nil: notices do not say
// what tenants use then.
func Config(cfg aws.Config, e Environment, usage Usage) (hostalarm.Config, error) {
	ledger, err := function.Ledger(cfg, e.TableName)
	if err != nil {
		return hostalarm.Config{}, err
	}
	shelves, err := shelf.New(shelf.Config{Ledger: ledger, Policies: hostalarm.NoPolicies{}, Now: function.Now})
	if err != nil {
		return hostalarm.Config{}, err
	}
	metrics := function.Metrics(e.Stage)
	announcer, err := announce.New(announce.Config{
		Ledger: ledger, PoolChecks: function.Queues(cfg)(e.PoolCheckQueue),
		Events: function.Bus(cfg, e.BusName), Notify: notices.Topic(cfg, e.NotifyTopic),
		Metrics: metrics, Now: function.Now, Stage: e.Stage, Region: cfg.Region, Runbooks: e.Runbooks, Usage: usage,
	})
	if err != nil {
		return hostalarm.Config{}, err
	}
	return hostalarm.Config{
		Ledger: ledger, Shelf: shelves, Announce: announcer, Metrics: metrics, Log: slog.Default(), Now: function.Now,
	}, nil
}
