package decommission

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/caarlos0/env/v11"
)

// Environment is what the function reads from its environment.
type Environment struct {
	Stage           string   `env:"STAGE,required,notEmpty"`
	TableName       string   `env:"TABLE_NAME,required,notEmpty"`
	BusName         string   `env:"BUS_NAME,required,notEmpty"`
	PolicyParameter string   `env:"POLICY_PARAMETER,required,notEmpty"`
	DatabaseSlots   int      `env:"DATABASE_SLOTS,required"` // that a database host has connections for
	StepsQueue      string   `env:"DECOMMISSION_STEPS_QUEUE_URL,required,notEmpty"`
	DLQ             string   `env:"DECOMMISSION_DLQ_URL,required,notEmpty"`
	PoolCheckQueue  string   `env:"POOLCHECK_QUEUE_URL,required,notEmpty"`
	RestoreQueue    string   `env:"RESTORE_STEPS_QUEUE_URL,required,notEmpty"`
	NotifyTopic     string   `env:"NOTIFY_TOPIC_ARN,required,notEmpty"`
	Runbooks        string   `env:"RUNBOOKS_URL,required,notEmpty"` // address of docs/runbooks.md
	SecretPrefix    string   `env:"SECRET_PREFIX,required,notEmpty"`
	CopierPrefix    string   `env:"COPIER_PREFIX,required,notEmpty"`
	SecretKey       string   `env:"SECRET_KEY_ID,required,notEmpty"`
	ShareKey        string   `env:"SHARE_KEY_ID,required,notEmpty"`
	Nobody          string   `env:"NOBODY_ADDRESS" envDefault:"192.0.2.1/32"`
	Archives        string   `env:"ARCHIVE_BUCKET,required,notEmpty"`
	ArchiveKey      string   `env:"ARCHIVE_KEY_ARN,required,notEmpty"`
	Reports         string   `env:"REPORT_BUCKET,required,notEmpty"`
	Reporter        string   `env:"REPORT_ROLE_ARN,required,notEmpty"`
	Cluster         string   `env:"ARCHIVIST_CLUSTER,required,notEmpty"`
	Task            string   `env:"ARCHIVIST_TASK,required,notEmpty"`
	Container       string   `env:"ARCHIVIST_CONTAINER,required,notEmpty"`
	Subnets         []string `env:"ARCHIVIST_SUBNETS,required,notEmpty"` // separated by commas
	Group           string   `env:"ARCHIVIST_GROUP,required,notEmpty"`
	AtOnce          int      `env:"ARCHIVES_AT_ONCE,required"`
	RestoreDays     int      `env:"RESTORE_DAYS,required"`           // for which backups of database hosts are kept
	LogDays         int      `env:"LOG_DAYS,required"`               // for which logs are
	TaskRoot        string   `env:"LAMBDA_TASK_ROOT" envDefault:"."` // holds rds-ca.pem
}

// What is wrong with an environment.
var (
	// ErrNobody means that NOBODY_ADDRESS is not one address.
	ErrNobody = errors.New("NOBODY_ADDRESS is not an IPv4 address with /32")
	// ErrAtOnce means that ARCHIVES_AT_ONCE is no number of tasks.
	ErrAtOnce = errors.New("ARCHIVES_AT_ONCE is not 1 to 100")
	// ErrLogDays means that LOG_DAYS is no number of days.
	ErrLogDays = errors.New("LOG_DAYS is less than 1")
	// ErrRestoreDays means that RESTORE_DAYS is none that RDS takes.
	ErrRestoreDays = errors.New("RESTORE_DAYS is not 1 to 35")
)

// ReadEnvironment reads and checks the environment.
func ReadEnvironment() (Environment, error) {
	e, err := env.ParseAs[Environment]()
	if err != nil {
		return e, fmt.Errorf("read the environment: %w", err)
	}
	if nobody, err := netip.ParsePrefix(e.Nobody); err != nil || !nobody.Addr().Is4() || nobody.Bits() != 32 {
		return e, fmt.Errorf("%w: %q", ErrNobody, e.Nobody)
	}
	if e.AtOnce < 1 || e.AtOnce > 100 {
		return e, fmt.Errorf("%w: %d", ErrAtOnce, e.AtOnce)
	}
	if e.RestoreDays < 1 || e.RestoreDays > 35 {
		return e, fmt.Errorf("%w: %d", ErrRestoreDays, e.RestoreDays)
	}
	if e.LogDays < 1 {
		return e, fmt.Errorf("%w: %d", ErrLogDays, e.LogDays)
	}
	return e, nil
}
