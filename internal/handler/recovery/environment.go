package recovery

import (
	"fmt"

	"github.com/caarlos0/env/v11"
)

// Environment is what the function reads from its environment.
type Environment struct {
	Stage           string `env:"STAGE,required,notEmpty"`
	TableName       string `env:"TABLE_NAME,required,notEmpty"`
	PolicyParameter string `env:"POLICY_PARAMETER,required,notEmpty"`
	DatabaseSlots   int    `env:"DATABASE_SLOTS,required"`         // that a database host has connections for
	Protected       bool   `env:"DATABASES_PROTECTED,required"`    // whether database hosts are to be protected from deletion
	TaskRoot        string `env:"LAMBDA_TASK_ROOT" envDefault:"."` // holds rds-ca.pem
}

// ReadEnvironment reads and checks the environment.
func ReadEnvironment() (Environment, error) {
	e, err := env.ParseAs[Environment]()
	if err != nil {
		return e, fmt.Errorf("read the environment: %w", err)
	}
	return e, nil
}
