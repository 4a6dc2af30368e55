package ecs

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"headroom/internal/local/resource"
	"headroom/internal/local/weakjson"
)

// definitionProperties are the properties of AWS::ECS::TaskDefinition that matter here.
type definitionProperties struct {
	Family                  string
	Cpu, Memory             weakjson.Text // CPU units, MiB; only recorded
	NetworkMode             string
	RequiresCompatibilities []string
	ExecutionRoleArn        string
	TaskRoleArn             string
	ContainerDefinitions    []containerProperties
	EphemeralStorage        struct{ SizeInGiB weakjson.Int } // only recorded
	Volumes                 []map[string]any                 // only recorded: a task writes to its work folder here
}

type containerProperties struct {
	Name        string
	Image       string
	Command     []string
	Environment []struct {
		Name  string
		Value weakjson.Text
	}
	MountPoints []struct{ SourceVolume, ContainerPath string }

	Secrets          []any
	StopTimeout      *weakjson.Int // seconds
	LogConfiguration struct {
		LogDriver string
		Options   map[string]weakjson.Text
	}
}

// definition is a task definition, in one of its revisions.
type definition struct {
	arn, family string
	revision    int
	madeAs      string // the stack and logical ID that it is of
	inactive    bool
	properties  definitionProperties
}

func (e *ECS) createDefinition(r resource.Resource) (resource.Created, error) {
	var p definitionProperties
	if err := weakjson.Decode(r.Properties, &p); err != nil {
		return resource.Created{}, err
	}
	if p.Family == "" {
		p.Family = r.GeneratedName()
	}
	if err := p.check(); err != nil {
		return resource.Created{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	madeAs := r.StackID + "/" + r.LogicalID
	for _, d := range e.definitions {
		if d.madeAs == madeAs && !d.inactive && reflect.DeepEqual(d.properties, p) {
			return d.created(), nil
		}
	}
	e.revisions[p.Family]++
	d := &definition{family: p.Family, revision: e.revisions[p.Family], madeAs: madeAs, properties: p}
	d.arn = e.arn("task-definition/" + d.family + ":" + strconv.Itoa(d.revision))
	e.definitions[d.arn] = d
	return d.created(), nil
}

func (d *definition) created() resource.Created {
	return resource.Created{PhysicalID: d.arn, Attributes: map[string]any{"TaskDefinitionArn": d.arn}}
}

func (d *definition) container() containerProperties { return d.properties.ContainerDefinitions[0] }

// memory are the sizes in MiB that Fargate has for each size of CPU: from, to and by (Amazon ECS Developer Guide,
// "Task CPU and memory").
var memory = map[string][3]int{
	"256": {512, 2048, 512}, "512": {1024, 4096, 1024}, "1024": {2048, 8192, 1024}, "2048": {4096, 16384, 1024},
	"4096": {8192, 30720, 1024}, "8192": {16384, 61440, 4096}, "16384": {32768, 122880, 8192},
}

// check refuses what ECS refuses, and what is more of ECS than there is here.
func (p definitionProperties) check() error {
	refuse := func(format string, args ...any) error { return fmt.Errorf("ClientException: "+format, args...) }
	sizes, known := memory[string(p.Cpu)]
	mib, err := strconv.Atoi(string(p.Memory))
	switch {
	case p.NetworkMode != "awsvpc" || !slices.Contains(p.RequiresCompatibilities, "FARGATE"):
		return refuse("Fargate only supports network mode 'awsvpc', and the local ECS only Fargate.")
	case !known || err != nil || mib < sizes[0] || mib > sizes[1] || mib%sizes[2] != 0 && mib != 512:
		return refuse("No Fargate configuration exists for given values: %s CPU, %s memory.", p.Cpu, p.Memory)
	case p.EphemeralStorage.SizeInGiB != 0 && (p.EphemeralStorage.SizeInGiB < 21 || p.EphemeralStorage.SizeInGiB > 200):
		return refuse("EphemeralStorage size must be between 21 and 200 GiB.")
	case len(p.ContainerDefinitions) != 1:
		return refuse("the local ECS runs one container a task")
	}
	volumes := map[string]bool{}
	for _, v := range p.Volumes {
		name, _ := v["Name"].(string)
		if len(v) != 1 || name == "" {
			return refuse("the local ECS knows volumes of the task's own disk only")
		}
		volumes[name] = true
	}
	c := p.ContainerDefinitions[0]
	timeout := 30
	if c.StopTimeout != nil {
		timeout = int(*c.StopTimeout)
	}
	switch {
	case c.Name == "" || c.Image == "":
		return refuse("Container.name and Container.image should not be null or empty.")
	case len(c.Secrets) > 0:
		return refuse("the local ECS puts no secrets into environments")
	case timeout < 0 || timeout > 120:
		return refuse("StopTimeout must be at most 120 seconds on Fargate.")
	case c.LogConfiguration.LogDriver != "awslogs":
		return refuse("the local ECS logs by awslogs")
	case p.ExecutionRoleArn == "":
		return refuse("Fargate requires task definition to have execution role ARN to support log driver awslogs.")
	}
	for _, m := range c.MountPoints {
		if !volumes[m.SourceVolume] || m.ContainerPath == "" {
			return refuse("Unknown volume '%s'.", m.SourceVolume)
		}
	}
	for _, option := range []string{"awslogs-group", "awslogs-region", "awslogs-stream-prefix"} {
		if c.LogConfiguration.Options[option] == "" {
			return refuse("Log driver awslogs requires options: awslogs-region, awslogs-group, awslogs-stream-prefix")
		}
	}
	return nil
}

// definition finds a task definition by its family, whose newest active revision it is, its family and revision,
// or its ARN. The caller holds the lock.
func (e *ECS) definition(named string) *definition {
	named = named[strings.LastIndex(named, "/")+1:]
	if d := e.definitions[e.arn("task-definition/"+named)]; d != nil {
		return d
	}
	for n := e.revisions[named]; n > 0; n-- {
		if d := e.definitions[e.arn("task-definition/"+named+":"+strconv.Itoa(n))]; d != nil && !d.inactive {
			return d
		}
	}
	return nil
}

// Definition finds a task definition, and the roles that running it passes on: the task's and the execution's.
func (e *ECS) Definition(named string) (arn string, roles []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	d := e.definition(named)
	if d == nil {
		return "", nil
	}
	return d.arn, []string{d.properties.TaskRoleArn, d.properties.ExecutionRoleArn}
}
