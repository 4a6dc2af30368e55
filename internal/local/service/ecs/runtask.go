package ecs

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"headroom/internal/local/constraint"
	"headroom/internal/local/endpoint"
	"headroom/internal/local/weakjson"
)

// runInput is a RunTask.
type runInput struct {
	Cluster, TaskDefinition, Group, StartedBy string
	Count                                     int
	NetworkConfiguration                      *struct {
		AwsvpcConfiguration struct{ Subnets, SecurityGroups []string }
	}
	Overrides struct {
		ContainerOverrides []struct {
			Name        string
			Command     []string
			Environment []struct{ Name, Value string }
		}
		TaskRoleArn, ExecutionRoleArn string
	}
	Tags []struct{ Key, Value string }
}

// tokenLife is how long a client token is known at most. One whose tasks are no longer shown isn't, either.
// https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html
const tokenLife = 24 * time.Hour

// use is one client token in one cluster.
type use struct{ cluster, token string }

// run is what a client token was used for.
type run struct {
	params map[string]any
	tasks  []*task
}

// before is what a client token was used for already, or nil. The caller holds the lock.
func (e *ECS) before(of use) *run {
	r := e.runs[of]
	if of.token == "" || r == nil || e.now().Sub(r.tasks[0].created) >= tokenLife || !slices.ContainsFunc(r.tasks, e.remembers) {
		return nil
	}
	return r
}

// form is the request as its form is checked.
func form(call endpoint.Call) constraint.TaskRun {
	text := func(member string) *string { return constraint.Text(call.Params, member) }
	f := constraint.TaskRun{
		TaskDefinition: text("taskDefinition"), LaunchType: text("launchType"), ClientToken: text("clientToken"), StartedBy: text("startedBy"),
		Overrides: call.Params["overrides"],
	}
	if count, ok := call.Params["count"].(float64); ok {
		n := int(count)
		f.Count = &n
	}
	configuration, _ := call.Params["networkConfiguration"].(map[string]any)
	if vpc, ok := configuration["awsvpcConfiguration"].(map[string]any); ok {
		texts := func(member string) (texts []string) {
			list, _ := vpc[member].([]any)
			for _, element := range list {
				texts = append(texts, fmt.Sprint(element))
			}
			return texts
		}
		f.Network = &constraint.TaskNetwork{Subnets: texts("subnets"), Groups: texts("securityGroups"), PublicIP: constraint.Text(vpc, "assignPublicIp")}
	}
	return f
}

func (e *ECS) runTask(_ context.Context, call endpoint.Call) (any, error) {
	if r := form(call).Refusal(); r != nil {
		return nil, endpoint.Refused(r)
	}
	var input runInput
	if err := weakjson.Decode(call.Params, &input); err != nil {
		return nil, &endpoint.Error{Code: "SerializationException", Message: err.Error()}
	}
	if err := e.checkNetwork(input); err != nil {
		return nil, err
	}
	token, _ := call.Params["clientToken"].(string)
	e.mu.Lock()
	defer e.mu.Unlock()
	cluster, err := e.cluster(input.Cluster)
	if err != nil {
		return nil, err
	}
	once := use{cluster, token}
	if before := e.before(once); before != nil {
		return e.again(before, call.Params)
	}
	d := e.definition(input.TaskDefinition)
	if d == nil {
		return nil, endpoint.Refused(constraint.NoDefinition)
	}
	if d.inactive {
		return nil, &endpoint.Error{Code: "ClientException", Message: "TaskDefinition is inactive"}
	}
	for _, o := range input.Overrides.ContainerOverrides {
		if o.Name != d.container().Name {
			return nil, endpoint.Refused(constraint.NoContainer(o.Name))
		}
	}
	made := e.asked(cluster, d, input)
	made.overrides = call.Params["overrides"]
	for _, role := range []string{made.taskRole, made.executionRole} {
		if err := e.mayAssume(role); err != nil {
			return nil, err
		}
	}
	tasks, failures := []any{}, []any{}
	var placed []*task
	for range max(input.Count, 1) {
		if len(e.noRoom) > 0 {
			failures = append(failures, map[string]any{"reason": e.noRoom[0]})
			e.noRoom = e.noRoom[1:]
			continue
		}
		t := e.place(made)
		e.tasks[t.id] = t
		placed, tasks = append(placed, t), append(tasks, e.shown(t))
		e.work.Go(func() { e.live(t) })
	}
	if token != "" && len(placed) > 0 {
		e.runs[once] = &run{params: call.Params, tasks: placed}
	}
	return map[string]any{"tasks": tasks, "failures": failures}, nil
}

// again answers a RunTask whose client token was used before: with the tasks that it made then, as they are, or
// with a refusal if it asks for something else. The caller holds the lock.
func (e *ECS) again(before *run, params map[string]any) (any, error) {
	if !reflect.DeepEqual(before.params, params) {
		ids := []any{}
		for _, t := range before.tasks {
			ids = append(ids, t.arn)
		}
		r := constraint.TokenConflict()
		return nil, &endpoint.Error{Code: r.Code, Message: r.Message, Fields: map[string]any{"resourceIds": ids}}
	}
	tasks := []any{}
	for _, t := range before.tasks {
		tasks = append(tasks, e.shown(t))
	}
	return map[string]any{"tasks": tasks, "failures": []any{}}, nil
}

// cluster is the name of a cluster that there is, named by that or by its ARN. The caller holds the lock.
func (e *ECS) cluster(named string) (string, error) {
	if named == "" {
		named = "default"
	}
	name := strings.TrimPrefix(named, e.arn("cluster/"))
	if !e.clusters[name] {
		return "", endpoint.Refused(constraint.NoCluster)
	}
	return name, nil
}

// checkNetwork refuses subnets and groups that there are not, as ECS words what EC2 answers it.
func (e *ECS) checkNetwork(input runInput) error {
	vpc := input.NetworkConfiguration.AwsvpcConfiguration
	for _, check := range []struct {
		what            string
		subnets, groups []string
	}{{"subnet", vpc.Subnets, nil}, {"security group", nil, vpc.SecurityGroups}} {
		err := e.cfg.Network.CheckNetwork(check.subnets, check.groups)
		var refused *endpoint.Error
		if errors.As(err, &refused) {
			named := strings.Join(append(check.subnets, check.groups...), ", ")
			return &endpoint.Error{
				Code:    "InvalidParameterException",
				Message: fmt.Sprintf("Error retrieving %s information for [%s]: %s (ErrorCode: %s)", check.what, named, refused.Message, refused.Code),
			}
		}
	}
	return nil
}

// mayAssume refuses a role that ECS may not take on. Empty is none.
func (e *ECS) mayAssume(role string) error {
	if role == "" {
		return nil
	}
	if err := e.cfg.Assume("ecs-tasks.amazonaws.com", role); err != nil {
		return &endpoint.Error{
			Code: "ClientException",
			Message: "ECS was unable to assume the role '" + role + "' that was provided for this task. Please verify that the role being passed " +
				"has the proper trust relationship and permissions and that your IAM user has permissions to pass this role.",
		}
	}
	return nil
}

// asked is a task as a request asks for it.
func (e *ECS) asked(cluster string, d *definition, input runInput) *task {
	vpc := input.NetworkConfiguration.AwsvpcConfiguration
	c := d.container()
	t := &task{
		cluster: cluster, definition: d, startedBy: input.StartedBy, group: input.Group,
		taskRole: d.properties.TaskRoleArn, executionRole: d.properties.ExecutionRoleArn,
		subnets: vpc.Subnets, groups: vpc.SecurityGroups, command: c.Command, environment: map[string]string{}, tags: input.Tags,
	}
	if t.group == "" {
		t.group = "family:" + d.family
	}
	for _, variable := range c.Environment {
		t.environment[variable.Name] = string(variable.Value)
	}
	for _, o := range input.Overrides.ContainerOverrides {
		if len(o.Command) > 0 {
			t.command = o.Command
		}
		for _, variable := range o.Environment {
			t.environment[variable.Name] = variable.Value
		}
	}
	if role := input.Overrides.TaskRoleArn; role != "" {
		t.taskRole = role
	}
	if role := input.Overrides.ExecutionRoleArn; role != "" {
		t.executionRole = role
	}
	return t
}

// place makes a task of what was asked for.
func (e *ECS) place(asked *task) *task {
	made := *asked
	made.id = newID()
	made.arn = e.arn("task/" + made.cluster + "/" + made.id)
	made.containerARN, made.attachment = e.arn("container/"+made.cluster+"/"+made.id+"/"+newUUID()), newUUID()
	made.last, made.desired, made.version = provisioning, running, 1
	made.created, made.shownFrom = e.now(), time.Now().Add(e.cfg.Lag)
	made.updated, made.stop = made.created, make(chan struct{})
	return &made
}

// newID is the id of a task: 32 hexadecimal digits.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

func newUUID() string {
	id := newID()
	return id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:]
}
