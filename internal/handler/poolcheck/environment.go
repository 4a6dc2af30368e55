package poolcheck

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/caarlos0/env/v11"

	"headroom/internal/pool"
)

// Environment is what the function reads from its environment.
type Environment struct {
	Stage              string `env:"STAGE,required,notEmpty"`
	TableName          string `env:"TABLE_NAME,required,notEmpty"`
	BusName            string `env:"BUS_NAME,required,notEmpty"`
	PolicyParameter    string `env:"POLICY_PARAMETER,required,notEmpty"`
	DatabaseSlots      int    `env:"DATABASE_SLOTS,required"` // that a database host has connections for
	SignupStepsQueue   string `env:"SIGNUP_STEPS_QUEUE_URL,required,notEmpty"`
	LeavingStepsQueue  string `env:"DECOMMISSION_STEPS_QUEUE_URL,required,notEmpty"`
	ChangeStepsQueue   string `env:"CHANGE_STEPS_QUEUE_URL,required,notEmpty"`
	RepairStepsQueue   string `env:"REPAIR_STEPS_QUEUE_URL,required,notEmpty"`
	RestoreStepsQueue  string `env:"RESTORE_STEPS_QUEUE_URL,required,notEmpty"`
	HostQueue          string `env:"HOST_QUEUE_URL,required,notEmpty"`
	NotifyTopic        string `env:"NOTIFY_TOPIC_ARN,required,notEmpty"`
	Runbooks           string `env:"RUNBOOKS_URL,required,notEmpty"` // address of docs/runbooks.md
	StackPrefix        string `env:"STACK_PREFIX,required,notEmpty"`
	StackRole          string `env:"STACK_ROLE_ARN,required,notEmpty"`
	DatabaseTemplate   string `env:"DATABASE_TEMPLATE_URL,required,notEmpty"`
	ShareTemplate      string `env:"SHARE_TEMPLATE_URL,required,notEmpty"`
	DatabaseParameters string `env:"DATABASE_STACK_PARAMETERS,required,notEmpty"` // JSON object
	ShareParameters    string `env:"SHARE_STACK_PARAMETERS,required,notEmpty"`    // JSON object
	DatabaseZones      string `env:"DATABASE_ZONES,required,notEmpty"`            // JSON list of zones; empty: AWS chooses
	ShareZones         string `env:"SHARE_ZONES,required,notEmpty"`               // JSON list of zones with their subnets
	ImageParameter     string `env:"GATEWAY_IMAGE_PARAMETER,required,notEmpty"`   // names the image of gateways
}

// What is wrong with an environment.
var (
	// ErrParameters means that a template's parameters are no JSON object of strings.
	ErrParameters = errors.New("stack parameters are not a JSON object of strings")
	// ErrZones means that zones are no JSON list of zones, each once, or lack a subnet that hosts need.
	ErrZones = errors.New("zones are not a JSON list of {zone, subnet}, each zone once")
)

// ReadEnvironment reads and checks the environment.
func ReadEnvironment() (Environment, error) {
	e, err := env.ParseAs[Environment]()
	if err != nil {
		return e, fmt.Errorf("read the environment: %w", err)
	}
	_, err = e.Templates()
	return e, err
}

// Templates are the templates of both kinds of hosts.
func (e Environment) Templates() (map[pool.Kind]Template, error) {
	database, share := Template{URL: e.DatabaseTemplate}, Template{URL: e.ShareTemplate}
	if err := json.Unmarshal([]byte(e.DatabaseParameters), &database.Parameters); err != nil {
		return nil, fmt.Errorf("DATABASE_STACK_PARAMETERS: %w: %w", ErrParameters, err)
	}
	if err := json.Unmarshal([]byte(e.ShareParameters), &share.Parameters); err != nil {
		return nil, fmt.Errorf("SHARE_STACK_PARAMETERS: %w: %w", ErrParameters, err)
	}
	var err error
	if database.Zones, err = zones(e.DatabaseZones, false); err != nil {
		return nil, fmt.Errorf("DATABASE_ZONES: %w", err)
	}
	if share.Zones, err = zones(e.ShareZones, true); err != nil {
		return nil, fmt.Errorf("SHARE_ZONES: %w", err)
	}
	return map[pool.Kind]Template{pool.Database: database, pool.Share: share}, nil
}

// zones reads a list of zones. Hosts that live in a subnet need at least one, each with its subnet.
func zones(document string, inSubnets bool) ([]pool.Zone, error) {
	var list []pool.Zone
	if err := json.Unmarshal([]byte(document), &list); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrZones, err)
	}
	known := map[string]bool{}
	for _, z := range list {
		if z.Name == "" || known[z.Name] || inSubnets && z.Subnet == "" {
			return nil, fmt.Errorf("%w: %s", ErrZones, document)
		}
		known[z.Name] = true
	}
	if inSubnets && len(list) == 0 {
		return nil, fmt.Errorf("%w: there is none", ErrZones)
	}
	return list, nil
}
