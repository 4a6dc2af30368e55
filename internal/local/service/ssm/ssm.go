// Package ssm fakes the Parameter Store of AWS Systems Manager.
package ssm

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"headroom/internal/local/clock"
	"headroom/internal/local/constraint"
	"headroom/internal/local/endpoint"
	"headroom/internal/local/resource"
	"headroom/internal/local/weakjson"
)

// applianceImage is the public parameter with the image of S3 File Gateway.
const applianceImage = "/aws/service/storagegateway/ami/FILE_S3/latest"

// Config is what the fake needs.
type Config struct {
	Account string
	Region  string
	Clock   *clock.Clock // nil: the machine's
}

// Parameters is the fake. Its methods may be called at once.
type Parameters struct {
	cfg Config

	mu     sync.Mutex
	byName map[string][]parameter // versions, oldest first
}

// parameter is one version of a parameter.
type parameter struct {
	name, kind, tier, description, value, user string
	version                                    int
	modified                                   time.Time
}

// New returns a fake that knows the public parameters in use.
func New(cfg Config) *Parameters {
	return &Parameters{cfg: cfg, byName: map[string][]parameter{
		applianceImage: {{name: applianceImage, kind: "String", tier: constraint.TierStandard, value: "ami-0f11e5a7e4a7e0001", version: 1, modified: cfg.Clock.Now()}},
	}}
}

// Service answers the Parameter Store's API.
func (p *Parameters) Service() endpoint.Service {
	return endpoint.Service{Name: "ssm", Operations: map[string]endpoint.Operation{
		"DescribeParameters":  p.describe,
		"GetParameter":        p.get,
		"GetParameters":       p.getSeveral,
		"GetParameterHistory": p.history,
		"PutParameter":        p.put,
	}}
}

// Lookup returns a parameter's value, for template parameters of SSM types.
func (p *Parameters) Lookup(name string) (string, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	found, ok := p.find(name)
	return found.value, ok
}

// find resolves "name", "name:version" and an ARN; the caller holds the lock.
func (p *Parameters) find(name string) (parameter, bool) {
	if _, path, isARN := strings.Cut(name, ":parameter/"); isARN {
		name = "/" + path
	}
	name, selector, selected := strings.Cut(name, ":")
	versions := p.byName[name]
	if len(versions) == 0 && strings.HasPrefix(name, "/") { // a name without a slash has an ARN without one
		versions = p.byName[name[1:]]
	}
	if len(versions) == 0 {
		return parameter{}, false
	}
	if !selected {
		return versions[len(versions)-1], true
	}
	for _, version := range versions {
		if strconv.Itoa(version.version) == selector {
			return version, true
		}
	}
	return parameter{}, false
}

// arn is a parameter's ARN: a name with a leading slash does not double it.
func (p *Parameters) arn(name string) string {
	return fmt.Sprintf("arn:aws:ssm:%s:%s:parameter/%s", p.cfg.Region, p.cfg.Account, strings.TrimPrefix(name, "/"))
}

func (p *Parameters) shown(found parameter) map[string]any {
	return map[string]any{
		"Name": found.name, "Type": found.kind, "Value": found.value, "Version": found.version,
		"ARN": p.arn(found.name), "DataType": "text", "LastModifiedDate": float64(found.modified.UnixMilli()) / 1000,
	}
}

// request is the input of all operations about parameters by name; each looks at its own members.
type request struct {
	Name        string        `json:"Name"`
	Names       []string      `json:"Names"`
	Value       string        `json:"Value"`
	Type        string        `json:"Type"`
	Tier        string        `json:"Tier"`
	Description string        `json:"Description"`
	Overwrite   weakjson.Bool `json:"Overwrite"`
	NextToken   string        `json:"NextToken"`
	MaxResults  weakjson.Int  `json:"MaxResults"`
}

func decode(call endpoint.Call) (request, error) {
	var input request
	if err := weakjson.Decode(call.Params, &input); err != nil {
		return input, &endpoint.Error{Code: "ValidationException", Message: err.Error()}
	}
	return input, nil
}

var errNotFound = &endpoint.Error{Code: "ParameterNotFound"}

func (p *Parameters) get(_ context.Context, call endpoint.Call) (any, error) {
	input, err := decode(call)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	found, ok := p.find(input.Name)
	if !ok {
		return nil, errNotFound
	}
	return map[string]any{"Parameter": p.shown(found)}, nil
}

func (p *Parameters) getSeveral(_ context.Context, call endpoint.Call) (any, error) {
	input, err := decode(call)
	if err != nil {
		return nil, err
	}
	if len(input.Names) == 0 || len(input.Names) > 10 {
		return nil, &endpoint.Error{Code: "ValidationException", Message: "1 validation error detected: Value at 'names' failed to satisfy constraint: Member must have length between 1 and 10"}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	found, missing := []any{}, []any{}
	for _, name := range input.Names {
		if one, ok := p.find(name); ok {
			found = append(found, p.shown(one))
		} else {
			missing = append(missing, name)
		}
	}
	return map[string]any{"Parameters": found, "InvalidParameters": missing}, nil
}

// Types lists the resource types that Create and Delete know.
func Types() []string { return []string{"AWS::SSM::Parameter"} }

// properties are those of AWS::SSM::Parameter.
type properties struct {
	Name        string        `json:"Name"`
	Description string        `json:"Description"`
	Type        string        `json:"Type"`
	Tier        string        `json:"Tier"`
	Value       weakjson.Text `json:"Value"`
}

// parameter is a version with these properties.
func (p properties) parameter(name string) parameter {
	return parameter{
		name: name, kind: p.Type, tier: p.Tier, description: p.Description, value: string(p.Value), user: "cloudformation.amazonaws.com",
	}
}

func (p properties) created(name string) resource.Created {
	return resource.Created{PhysicalID: name, Attributes: map[string]any{"Type": p.Type, "Value": string(p.Value)}}
}

// Create makes a parameter.
func (p *Parameters) Create(_ context.Context, r resource.Resource) (resource.Created, error) {
	var properties properties
	if err := weakjson.Decode(r.Properties, &properties); err != nil {
		return resource.Created{}, err
	}
	name := properties.Name
	if name == "" {
		name = "CFN-" + r.GeneratedName()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if latest, there := p.find(name); !there {
		if _, err := p.setLocked(properties.parameter(name)); err != nil {
			return resource.Created{}, err
		}
	} else if r.PhysicalID == "" && latest.user != "cloudformation.amazonaws.com" {
		return resource.Created{}, fmt.Errorf("ParameterAlreadyExists: the parameter %s already exists", name)
	}
	return properties.created(name), nil
}

// Delete removes a parameter.
func (p *Parameters) Delete(_ context.Context, r resource.Resource) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.byName, r.PhysicalID)
	return nil
}
