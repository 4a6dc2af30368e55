package stackcomplete

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/caarlos0/env/v11"
)

// Environment is what the function reads from its environment.
type Environment struct {
	Stage          string `env:"STAGE,required,notEmpty"`
	TableName      string `env:"TABLE_NAME,required,notEmpty"`
	BusName        string `env:"BUS_NAME,required,notEmpty"`
	HostQueue      string `env:"HOST_QUEUE_URL,required,notEmpty"`
	PoolCheckQueue string `env:"POOLCHECK_QUEUE_URL,required,notEmpty"`
	NotifyTopic    string `env:"NOTIFY_TOPIC_ARN,required,notEmpty"`
	Runbooks       string `env:"RUNBOOKS_URL,required,notEmpty"` // address of docs/runbooks.md
	StackPrefix    string `env:"STACK_PREFIX,required,notEmpty"`
	StackRole      string `env:"STACK_ROLE_ARN,required,notEmpty"`
	ActivationPort int    `env:"ACTIVATION_PORT" envDefault:"80"`
	Endpoint       string `env:"GATEWAY_ENDPOINT"` // DNS name of Storage Gateway's VPC endpoint, if there is one
	Nobody         string `env:"NOBODY_ADDRESS" envDefault:"192.0.2.1/32"`
	ShareKey       string `env:"SHARE_KEY_ID,required,notEmpty"`
	BackupDays     int    `env:"BACKUP_DAYS,required"`            // for which the last snapshot of a retired host's instance is kept
	TaskRoot       string `env:"LAMBDA_TASK_ROOT" envDefault:"."` // holds rds-ca.pem
}

// What is wrong with an environment.
var (
	// ErrPort means that ACTIVATION_PORT is no TCP port.
	ErrPort = errors.New("ACTIVATION_PORT is not 1 to 65535")
	// ErrBackupDays means that BACKUP_DAYS is no retention that RDS has.
	ErrBackupDays = errors.New("BACKUP_DAYS is not 1 to 35")
	// ErrNobody means that NOBODY_ADDRESS is not one address.
	ErrNobody = errors.New("NOBODY_ADDRESS is not an IPv4 address with /32")
)

// ReadEnvironment reads and checks the environment.
func ReadEnvironment() (Environment, error) {
	e, err := env.ParseAs[Environment]()
	if err != nil {
		return e, fmt.Errorf("read the environment: %w", err)
	}
	if e.ActivationPort < 1 || e.ActivationPort > 65535 {
		return e, fmt.Errorf("%w: %d", ErrPort, e.ActivationPort)
	}
	if e.BackupDays < 1 || e.BackupDays > 35 {
		return e, fmt.Errorf("%w: %d", ErrBackupDays, e.BackupDays)
	}
	if nobody, err := netip.ParsePrefix(e.Nobody); err != nil || !nobody.Addr().Is4() || nobody.Bits() != 32 {
		return e, fmt.Errorf("%w: %q", ErrNobody, e.Nobody)
	}
	return e, nil
}
