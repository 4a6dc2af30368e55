package signup

import (
	"errors"
	"fmt"
	"regexp"

	"headroom/internal/pool"

	"github.com/caarlos0/env/v11"
)

// Environment is what the function reads from its environment.
type Environment struct {
	Stage           string `env:"STAGE,required,notEmpty"`
	TableName       string `env:"TABLE_NAME,required,notEmpty"`
	BusName         string `env:"BUS_NAME,required,notEmpty"`
	PolicyParameter string `env:"POLICY_PARAMETER,required,notEmpty"`
	DatabaseSlots   int    `env:"DATABASE_SLOTS,required"` // that a database host has connections for
	StepsQueue      string `env:"SIGNUP_STEPS_QUEUE_URL,required,notEmpty"`
	SignupDLQ       string `env:"SIGNUP_DLQ_URL,required,notEmpty"`
	PoolCheckQueue  string `env:"POOLCHECK_QUEUE_URL,required,notEmpty"`
	HostQueue       string `env:"HOST_QUEUE_URL,required,notEmpty"`
	SecretPrefix    string `env:"SECRET_PREFIX,required,notEmpty"`
	SecretKey       string `env:"SECRET_KEY_ID,required,notEmpty"`
	Instances       string `env:"INSTANCE_NETWORKS,required,notEmpty"` // CIDRs, separated by commas
	Hosts           string `env:"HOST_NETWORKS,required,notEmpty"`     // CIDRs, separated by commas
	MountOptions    string `env:"MOUNT_OPTIONS,required,notEmpty"`     // of NFS clients, separated by commas
	TaskRoot        string `env:"LAMBDA_TASK_ROOT" envDefault:"."`     // holds rds-ca.pem
}

// ErrMountOptions means that MOUNT_OPTIONS is nothing that can follow "mount -o".
var ErrMountOptions = errors.New("MOUNT_OPTIONS is not a list of mount options separated by commas")

// mountOptions is a list of options, each with or without a value. It ends up in command lines.
var mountOptions = regexp.MustCompile(`^[a-z0-9]+(=[A-Za-z0-9.:]+)?(,[a-z0-9]+(=[A-Za-z0-9.:]+)?)*$`)

// ReadEnvironment reads and checks the environment.
func ReadEnvironment() (Environment, error) {
	e, err := env.ParseAs[Environment]()
	if err != nil {
		return e, fmt.Errorf("read the environment: %w", err)
	}
	if !mountOptions.MatchString(e.MountOptions) {
		return e, fmt.Errorf("%w: %q", ErrMountOptions, e.MountOptions)
	}
	_, err = e.Networks()
	return e, err
}

// Networks say where customers' instances may live.
func (e Environment) Networks() (pool.Networks, error) {
	instances, err := pool.ParseNetworks(e.Instances)
	if err != nil {
		return pool.Networks{}, fmt.Errorf("INSTANCE_NETWORKS: %w", err)
	}
	hosts, err := pool.ParseNetworks(e.Hosts)
	if err != nil {
		return pool.Networks{}, fmt.Errorf("HOST_NETWORKS: %w", err)
	}
	return pool.Networks{Instances: instances, Hosts: hosts}, nil
}
