// Package rds fakes Amazon RDS for PostgreSQL: each instance is a real PostgreSQL server of its own,
// with the roles, the forced TLS and the managed master secret that RDS gives one.
package rds

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"headroom/internal/local/clock"
	"headroom/internal/local/endpoint"
	"headroom/internal/local/machine/postgresql"
	"headroom/internal/local/service/secretsmanager"
)

// Config is what the fake needs.
type Config struct {
	Account   string
	Region    string
	Authority *postgresql.Authority
	Secrets   secrets

	CacheDir string // keeps the template of all servers from one run to the next
	LogDir   string // one file an instance; default with its data, which it goes with

	Lead  time.Duration             // from the server's start to the instance's being available; default 300 ms
	Quota func(code string) float64 // what the account may have, by Service Quotas' code; nil: as much as it likes

	Clock   *clock.Clock  // nil: the machine's
	Restart time.Duration // by Clock, until a server that died or is rebooted starts again; default 30 s
	// ShipEvery, by Clock, is how often an instance's log is archived: so far LatestRestorableTime lags behind.
	// Default 5 minutes, as RDS's, or what takes two seconds on the machine.
	ShipEvery time.Duration

	// Emit sends an event as the service would; nil: nobody hears it.
	Emit func(ctx context.Context, source, detailType string, resources []string, detail any)
	Put  Put // takes the metrics of instances that run; nil: nobody does

	// DatabasesAdvised is how many databases an instance may have before RDS advises against it, by an event. AWS does not
	// document how many that are; 0: however many.
	DatabasesAdvised int

	// Stopped is told, as the instances are closed, how many are so far; nil: nobody is. One call at a time.
	Stopped func(stopped, of int)
	Log     *slog.Logger // default slog.Default
}

// secrets is where master users' passwords are kept.
type secrets interface {
	SetManaged(secretsmanager.Managed) (arn string)
	RemoveManaged(arn string)
}

// RDS is the fake. Its methods may be called at once.
type RDS struct {
	cfg     Config
	program *postgresql.Program
	life    context.Context // ends with Close
	end     context.CancelFunc
	work    sync.WaitGroup // watches over servers, and all that answers come before the end of
	copying chan struct{}  // has room for one: who makes a base backup

	mu         sync.Mutex
	instances  map[string]*instance // by identifier
	parameters map[string]map[string]string
	subnets    map[string]bool
	ports      map[string]int       // by identifier: an endpoint is its name's, whichever instance bears it
	retained   map[string]*retained // by resource id: backups of instances that are gone
	snapshots  map[string]snapshot  // by identifier
	events     []event              // the oldest first
	closed     map[string]bool      // zones, see FailZone
}

// New returns a fake without instances. It fails where PostgreSQL's programs are missing.
func New(cfg Config) (*RDS, error) {
	if cfg.Lead == 0 {
		cfg.Lead = 300 * time.Millisecond
	}
	if cfg.ShipEvery == 0 {
		cfg.ShipEvery = max(defaultShipEvery, cfg.Clock.Elapsed(shipFinest))
	}
	if cfg.CacheDir == "" || cfg.Authority == nil || cfg.Secrets == nil {
		return nil, errors.New("rds needs CacheDir, Authority and Secrets")
	}
	if cfg.Restart == 0 {
		cfg.Restart = defaultRestart
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	found, err := postgresql.Find(cfg.CacheDir)
	if err != nil {
		return nil, err
	}
	life, end := context.WithCancel(context.Background())
	r := &RDS{
		cfg: cfg, life: life, end: end, program: found, instances: map[string]*instance{},
		parameters: map[string]map[string]string{}, subnets: map[string]bool{}, ports: map[string]int{},
		retained: map[string]*retained{}, snapshots: map[string]snapshot{}, copying: make(chan struct{}, 1),
	}
	r.work.Go(r.shipAll)
	if cfg.Put != nil {
		r.work.Go(r.measureAll)
	}
	return r, nil
}

// Service answers RDS's API.
func (r *RDS) Service() endpoint.Service {
	return endpoint.Service{Name: "rds", Operations: map[string]endpoint.Operation{
		"DescribeDBInstances":                r.describe,
		"RestoreDBInstanceToPointInTime":     r.restore,
		"ModifyDBInstance":                   r.modify,
		"DeleteDBInstance":                   r.delete,
		"RebootDBInstance":                   r.reboot,
		"StopDBInstance":                     r.stop,
		"StartDBInstance":                    r.startStopped,
		"DescribeDBInstanceAutomatedBackups": r.describeBackups,
		"DeleteDBInstanceAutomatedBackup":    r.deleteBackup,
		"DescribeDBSnapshots":                r.describeSnapshots,
		"DeleteDBSnapshot":                   r.deleteSnapshot,
		"AddTagsToResource":                  r.addTags,
		"DescribeEvents":                     r.describeEvents,
		"DescribeAccountAttributes":          r.attributes,
	}}
}

// Room returns an error that says what is missing unless the disk has room for so many more instances.
func (r *RDS) Room(instances int) error { return r.program.Room(instances) }

// Warm prepares for the first instance: to be called while there is time.
func (r *RDS) Warm(ctx context.Context) error { return r.program.Warm(ctx) }
