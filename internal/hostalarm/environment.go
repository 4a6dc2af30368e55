package hostalarm

import (
	"fmt"

	"github.com/caarlos0/env/v11"
)

// Environment is what a function that hears alarms reads from its environment.
type Environment struct {
	Stage          string `env:"STAGE,required,notEmpty"`
	TableName      string `env:"TABLE_NAME,required,notEmpty"`
	BusName        string `env:"BUS_NAME,required,notEmpty"`
	PoolCheckQueue string `env:"POOLCHECK_QUEUE_URL,required,notEmpty"`
	NotifyTopic    string `env:"NOTIFY_TOPIC_ARN,required,notEmpty"`
	StackPrefix    string `env:"STACK_PREFIX,required,notEmpty"`
	Runbooks       string `env:"RUNBOOKS_URL,required,notEmpty"`
	TaskRoot       string `env:"LAMBDA_TASK_ROOT" envDefault:"."` // holds rds-ca.pem, of the function that reaches databases
}

// ReadEnvironment reads and checks the environment.
func ReadEnvironment() (Environment, error) {
	e, err := env.ParseAs[Environment]()
	if err != nil {
		return e, fmt.Errorf("read the environment: %w", err)
	}
	return e, nil
}
