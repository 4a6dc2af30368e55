// Package hostalarms wires what hears the alarms of hosts, of either kind.
package hostalarms

import (
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"

	"headroom/internal/announce"
	"headroom/internal/function"
	"headroom/internal/function/notices"
	"headroom/internal/hostalarm"
	"headroom/internal/shelf"
)

// Environment is where it finds what it needs.
type Environment struct {
	Stage, TableName, BusName   string
	PoolCheckQueue, NotifyTopic string // URL, ARN
}

// Config makes all of a handler's configuration but for which hosts an alarm is of.
func Config(cfg aws.Config, e Environment) (hostalarm.Config, error) {
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
		Metrics: metrics, Now: function.Now, Stage: e.Stage, Region: cfg.Region,
	})
	if err != nil {
		return hostalarm.Config{}, err
	}
	return hostalarm.Config{
		Ledger: ledger, Shelf: shelves, Announce: announcer, Metrics: metrics, Log: slog.Default(), Now: function.Now,
	}, nil
}
