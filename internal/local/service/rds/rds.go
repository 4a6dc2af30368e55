// Package rds fakes Amazon RDS for PostgreSQL: each instance is a real PostgreSQL server of its own,
// with the roles, the forced TLS and the managed master secret that RDS gives one.
package rds

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
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

	Lead time.Duration // from the server's start to the instance's being available; default 300 ms

	Clock   *clock.Clock  // nil: the machine's
	Restart time.Duration // by Clock, until a server that died or is rebooted starts again; default 30 s

	// Emit sends an event as the service would; nil: nobody hears it.
	Emit func(ctx context.Context, source, detailType string, resources []string, detail any)
	Put  Put // takes the metrics of instances that run; nil: nobody does

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
	work    sync.WaitGroup // watches over servers, and reboots

	mu         sync.Mutex
	instances  map[string]*instance // by identifier
	parameters map[string]map[string]string
	subnets    map[string]bool
}

// instance is one DB instance.
type instance struct {
	identifier, owner string // owner: the stack and logical id that made it
	properties        instanceProperties
	status            string
	secretARN         string
	resourceID        string
	server            *postgresql.Server
	runs              int  // how often its server was started
	down              bool // it is kept from running
	measured          measured
	created           time.Time
	ready             chan struct{} // closed when it is available or has failed
	err               error
}

// New returns a fake without instances. It fails where PostgreSQL's programs are missing.
func New(cfg Config) (*RDS, error) {
	if cfg.Lead == 0 {
		cfg.Lead = 300 * time.Millisecond
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
		parameters: map[string]map[string]string{}, subnets: map[string]bool{},
	}
	if cfg.Put != nil {
		r.work.Go(r.measureAll)
	}
	return r, nil
}

// Service answers RDS's API.
func (r *RDS) Service() endpoint.Service {
	return endpoint.Service{Name: "rds", Operations: map[string]endpoint.Operation{
		"DescribeDBInstances": r.describe,
		"RebootDBInstance":    r.reboot,
	}}
}

// Room returns an error that says what is missing unless the disk has room for so many more instances.
func (r *RDS) Room(instances int) error { return r.program.Room(instances) }

// Warm prepares for the first instance: to be called while there is time.
func (r *RDS) Warm(ctx context.Context) error { return r.program.Warm(ctx) }

func (r *RDS) describe(_ context.Context, call endpoint.Call) (any, error) {
	wanted, _ := call.Params["DBInstanceIdentifier"].(string)
	if at := strings.LastIndex(wanted, ":db:"); at >= 0 { // an ARN is as good
		wanted = wanted[at+len(":db:"):]
	}
	wanted = strings.ToLower(wanted)
	r.mu.Lock()
	defer r.mu.Unlock()
	list := []any{}
	for _, identifier := range sortedKeys(r.instances) {
		if wanted == "" || wanted == identifier {
			list = append(list, r.shown(r.instances[identifier]))
		}
	}
	if wanted != "" && len(list) == 0 {
		return nil, notFound(wanted)
	}
	return map[string]any{"DBInstances": endpoint.List{Element: "DBInstance", Items: list}}, nil
}

// shown is an instance as DescribeDBInstances answers it; the caller holds the lock.
func (r *RDS) shown(i *instance) map[string]any {
	shown := map[string]any{
		"DBInstanceIdentifier": i.identifier, "DBInstanceStatus": i.status, "DBInstanceArn": r.arn(i.identifier),
		"DbiResourceId": i.resourceID, "Engine": i.properties.Engine, "EngineVersion": string(i.properties.EngineVersion),
		"DBInstanceClass": i.properties.DBInstanceClass, "MasterUsername": i.properties.MasterUsername,
		"AllocatedStorage": int(i.properties.AllocatedStorage), "StorageEncrypted": bool(i.properties.StorageEncrypted),
		"DeletionProtection": bool(i.properties.DeletionProtection), "MultiAZ": bool(i.properties.MultiAZ),
		"BackupRetentionPeriod": int(i.properties.BackupRetentionPeriod), "PubliclyAccessible": false,
		"InstanceCreateTime": i.created.UTC().Format(time.RFC3339), "CACertificateIdentifier": "rds-ca-local",
	}
	if i.server != nil {
		shown["Endpoint"] = map[string]any{"Address": postgresql.Host, "Port": i.server.Port()}
	}
	if i.secretARN != "" {
		shown["MasterUserSecret"] = map[string]any{
			"SecretArn": i.secretARN, "SecretStatus": "active", "KmsKeyId": i.properties.MasterUserSecret.KmsKeyID,
		}
	}
	return shown
}

func (r *RDS) arn(identifier string) string {
	return fmt.Sprintf("arn:aws:rds:%s:%s:db:%s", r.cfg.Region, r.cfg.Account, identifier)
}
