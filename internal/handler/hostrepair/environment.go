package hostrepair

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/caarlos0/env/v11"

	"headroom/internal/pool"
)

// Environment is what the function reads from its environment.
type Environment struct {
	Stage              string   `env:"STAGE,required,notEmpty"`
	TableName          string   `env:"TABLE_NAME,required,notEmpty"`
	BusName            string   `env:"BUS_NAME,required,notEmpty"`
	PolicyParameter    string   `env:"POLICY_PARAMETER,required,notEmpty"`
	DatabaseSlots      int      `env:"DATABASE_SLOTS,required"` // that a database host has connections for
	StepsQueue         string   `env:"REPAIR_STEPS_QUEUE_URL,required,notEmpty"`
	HostQueue          string   `env:"HOST_QUEUE_URL,required,notEmpty"`
	NotifyTopic        string   `env:"NOTIFY_TOPIC_ARN,required,notEmpty"`
	Runbooks           string   `env:"RUNBOOKS_URL,required,notEmpty"` // address of docs/runbooks.md
	StackRole          string   `env:"STACK_ROLE_ARN,required,notEmpty"`
	DatabaseTemplate   string   `env:"DATABASE_TEMPLATE_URL,required,notEmpty"`
	ShareTemplate      string   `env:"SHARE_TEMPLATE_URL,required,notEmpty"`
	DatabaseParameters string   `env:"DATABASE_STACK_PARAMETERS,required,notEmpty"` // JSON object
	ShareParameters    string   `env:"SHARE_STACK_PARAMETERS,required,notEmpty"`    // JSON object
	ImageParameter     string   `env:"GATEWAY_IMAGE_PARAMETER,required,notEmpty"`   // names the image of gateways
	Nobody             string   `env:"NOBODY_ADDRESS,required,notEmpty"`            // of a share that no tenant has
	ShareKey           string   `env:"SHARE_KEY_ID,required,notEmpty"`              // ARN of the KMS key of the shares' objects
	Cluster            string   `env:"PROBER_CLUSTER,required,notEmpty"`            // that tasks run in
	Task               string   `env:"PROBER_TASK,required,notEmpty"`               // ARN of the definition of the task
	Container          string   `env:"PROBER_CONTAINER,required,notEmpty"`          // its name in it
	Subnets            []string `env:"PROBER_SUBNETS,required,notEmpty"`            // that tasks run in
	Group              string   `env:"PROBER_GROUP,required,notEmpty"`              // tasks' security group
	Endpoint           string   `env:"GATEWAY_ENDPOINT"`                            // DNS name of Storage Gateway's VPC endpoint, if there is one
	ActivationPort     int      `env:"ACTIVATION_PORT" envDefault:"80"`             // on which an appliance takes a gateway over, too
}

// What is wrong with an environment.
var (
	// ErrParameters means that a template's parameters are no JSON object of strings.
	ErrParameters = errors.New("stack parameters are not a JSON object of strings")
	// ErrPort means that ACTIVATION_PORT is no TCP port.
	ErrPort = errors.New("ACTIVATION_PORT is not 1 to 65535")
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
	_, err = e.Templates()
	return e, err
}

// Templates are what new hosts are made from.
func (e Environment) Templates() (map[pool.Kind]Template, error) {
	database, share := Template{URL: e.DatabaseTemplate}, Template{URL: e.ShareTemplate}
	if err := json.Unmarshal([]byte(e.DatabaseParameters), &database.Parameters); err != nil {
		return nil, fmt.Errorf("DATABASE_STACK_PARAMETERS: %w: %w", ErrParameters, err)
	}
	if err := json.Unmarshal([]byte(e.ShareParameters), &share.Parameters); err != nil {
		return nil, fmt.Errorf("SHARE_STACK_PARAMETERS: %w: %w", ErrParameters, err)
	}
	return map[pool.Kind]Template{pool.Database: database, pool.Share: share}, nil
}
