package restore

import (
	"errors"
	"fmt"

	"github.com/caarlos0/env/v11"
)

// Environment is what the function reads from its environment.
type Environment struct {
	Stage           string   `env:"STAGE,required,notEmpty"`
	TableName       string   `env:"TABLE_NAME,required,notEmpty"`
	BusName         string   `env:"BUS_NAME,required,notEmpty"`
	PolicyParameter string   `env:"POLICY_PARAMETER,required,notEmpty"`
	DatabaseSlots   int      `env:"DATABASE_SLOTS,required"` // that a database host has connections for
	StepsQueue      string   `env:"RESTORE_STEPS_QUEUE_URL,required,notEmpty"`
	Scrubs          string   `env:"DECOMMISSION_STEPS_QUEUE_URL,required,notEmpty"` // of what clears slots
	DLQ             string   `env:"RESTORE_DLQ_URL,required,notEmpty"`
	NotifyTopic     string   `env:"NOTIFY_TOPIC_ARN,required,notEmpty"`
	Runbooks        string   `env:"RUNBOOKS_URL,required,notEmpty"` // address of docs/runbooks.md
	CopierPrefix    string   `env:"COPIER_PREFIX,required,notEmpty"`
	SecretKey       string   `env:"SECRET_KEY_ID,required,notEmpty"` // of the secrets of roles that copy
	MasterKey       string   `env:"MASTER_KEY_ARN,required,notEmpty"`
	InstanceGroup   string   `env:"INSTANCE_GROUP,required,notEmpty"` // security group of temporary instances
	Cluster         string   `env:"ARCHIVIST_CLUSTER,required,notEmpty"`
	Task            string   `env:"RESTORER_TASK,required,notEmpty"`
	Container       string   `env:"ARCHIVIST_CONTAINER,required,notEmpty"`
	Subnets         []string `env:"ARCHIVIST_SUBNETS,required,notEmpty"` // separated by commas
	Group           string   `env:"ARCHIVIST_GROUP,required,notEmpty"`
	AtOnce          int      `env:"ARCHIVES_AT_ONCE,required"`
	RestoreDays     int      `env:"RESTORE_DAYS,required"`           // for which buckets keep what is not current any more
	TaskRoot        string   `env:"LAMBDA_TASK_ROOT" envDefault:"."` // holds rds-ca.pem
}

// What is wrong with an environment.
var (
	// ErrAtOnce means that ARCHIVES_AT_ONCE is no number of tasks.
	ErrAtOnce = errors.New("ARCHIVES_AT_ONCE is not 1 to 100")
	// ErrRestoreDays means that RESTORE_DAYS is none that RDS takes.
	ErrRestoreDays = errors.New("RESTORE_DAYS is not 1 to 35")
)

// ReadEnvironment reads and checks the environment.
func ReadEnvironment() (Environment, error) {
	e, err := env.ParseAs[Environment]()
	if err != nil {
		return e, fmt.Errorf("read the environment: %w", err)
	}
	if e.AtOnce < 1 || e.AtOnce > 100 {
		return e, fmt.Errorf("%w: %d", ErrAtOnce, e.AtOnce)
	}
	if e.RestoreDays < 1 || e.RestoreDays > 35 {
		return e, fmt.Errorf("%w: %d", ErrRestoreDays, e.RestoreDays)
	}
	return e, nil
}
