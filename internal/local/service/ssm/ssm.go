// Package ssm fakes the Parameter Store of AWS Systems Manager.
package ssm

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"headroom/internal/local/clock"
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
	name, kind, value, user string
	version                 int
	modified                time.Time
}

// New returns a fake that knows the public parameters in use.
func New(cfg Config) *Parameters {
	return &Parameters{cfg: cfg, byName: map[string][]parameter{
		applianceImage: {{name: applianceImage, kind: "String", value: "ami-0f11e5a7e4a7e0001", version: 1, modified: cfg.Clock.Now()}},
	}}
}

// Service answers the Parameter Store's API.
func (p *Parameters) Service() endpoint.Service {
	return endpoint.Service{Name: "ssm", Operations: map[string]endpoint.Operation{
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

// request is the input of all operations; each looks at its own members.
type request struct {
	Name      string        `json:"Name"`
	Names     []string      `json:"Names"`
	Value     string        `json:"Value"`
	Type      string        `json:"Type"`
	Overwrite weakjson.Bool `json:"Overwrite"`
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

func (p *Parameters) history(_ context.Context, call endpoint.Call) (any, error) {
	input, err := decode(call)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	versions := p.byName[input.Name]
	if len(versions) == 0 {
		return nil, errNotFound
	}
	list := []any{}
	for _, version := range versions {
		item := p.shown(version)
		delete(item, "ARN")
		item["LastModifiedUser"] = version.user
		list = append(list, item)
	}
	return map[string]any{"Parameters": list}, nil
}

func (p *Parameters) put(_ context.Context, call endpoint.Call) (any, error) {
	input, err := decode(call)
	if err != nil {
		return nil, err
	}
	if input.Name == "" || input.Value == "" {
		return nil, &endpoint.Error{Code: "ValidationException", Message: "Name and Value must not be empty"}
	}
	if strings.HasPrefix(input.Name, "/aws") || strings.HasPrefix(input.Name, "aws") {
		return nil, &endpoint.Error{Code: "AccessDeniedException", Message: "No access to reserved parameter name: " + input.Name + "."}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.byName[input.Name]) > 0 && !bool(input.Overwrite) {
		return nil, &endpoint.Error{
			Code:    "ParameterAlreadyExists",
			Message: "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
		}
	}
	user := call.Principal
	if user == "" {
		user = "arn:aws:iam::" + p.cfg.Account + ":root"
	}
	made := p.setLocked(input.Name, input.Type, input.Value, user)
	return map[string]any{"Version": made.version, "Tier": "Standard"}, nil
}

// versionsKept is how many versions the Parameter Store keeps.
const versionsKept = 100

func (p *Parameters) setLocked(name, kind, value, user string) parameter {
	made := parameter{name: name, kind: kind, value: value, user: user, version: 1, modified: p.cfg.Clock.Now()}
	versions := p.byName[name]
	if len(versions) > 0 {
		last := versions[len(versions)-1]
		made.version = last.version + 1
		if kind == "" {
			made.kind = last.kind
		}
	}
	if made.kind == "" {
		made.kind = "String"
	}
	versions = append(versions, made)
	p.byName[name] = slices.Clone(versions[max(0, len(versions)-versionsKept):])
	return made
}

// Types lists the resource types that Create and Delete know.
func Types() []string { return []string{"AWS::SSM::Parameter"} }

// Create makes a parameter.
func (p *Parameters) Create(_ context.Context, r resource.Resource) (resource.Created, error) {
	var properties struct {
		Name  string        `json:"Name"`
		Type  string        `json:"Type"`
		Value weakjson.Text `json:"Value"`
	}
	if err := weakjson.Decode(r.Properties, &properties); err != nil {
		return resource.Created{}, err
	}
	name := properties.Name
	if name == "" {
		name = "CFN-" + r.LogicalID + "-" + r.StackName
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if latest, there := p.find(name); !there {
		p.setLocked(name, properties.Type, string(properties.Value), "cloudformation.amazonaws.com")
	} else if r.PhysicalID == "" && latest.user != "cloudformation.amazonaws.com" {
		return resource.Created{}, fmt.Errorf("ParameterAlreadyExists: the parameter %s already exists", name)
	}
	return resource.Created{PhysicalID: name, Attributes: map[string]any{
		"Type": properties.Type, "Value": string(properties.Value),
	}}, nil
}

// Delete removes a parameter.
func (p *Parameters) Delete(_ context.Context, r resource.Resource) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.byName, r.PhysicalID)
	return nil
}
