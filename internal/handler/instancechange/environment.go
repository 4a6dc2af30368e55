package instancechange

import (
	"fmt"

	"github.com/caarlos0/env/v11"

	"headroom/internal/pool"
)

// Environment is what the function reads from its environment.
type Environment struct {
	Stage           string `env:"STAGE,required,notEmpty"`
	TableName       string `env:"TABLE_NAME,required,notEmpty"`
	BusName         string `env:"BUS_NAME,required,notEmpty"`
	PolicyParameter string `env:"POLICY_PARAMETER,required,notEmpty"`
	DatabaseSlots   int    `env:"DATABASE_SLOTS,required"` // that a database host has connections for
	StepsQueue      string `env:"CHANGE_STEPS_QUEUE_URL,required,notEmpty"`
	DLQ             string `env:"CHANGE_DLQ_URL,required,notEmpty"`
	Instances       string `env:"INSTANCE_NETWORKS,required,notEmpty"` // CIDRs, separated by commas
	Hosts           string `env:"HOST_NETWORKS,required,notEmpty"`     // CIDRs, separated by commas
}

// ReadEnvironment reads and checks the environment.
func ReadEnvironment() (Environment, error) {
	e, err := env.ParseAs[Environment]()
	if err != nil {
		return e, fmt.Errorf("read the environment: %w", err)
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
