package constraint

import (
	"encoding/json"
	"regexp"
	"slices"
	"unicode/utf8"
)

// TaskRun is a RunTask. What it does not name is nil.
type TaskRun struct {
	TaskDefinition, LaunchType, ClientToken, StartedBy *string
	Count                                              *int
	Network                                            *TaskNetwork
	Overrides                                          any // as JSON has it; nil: none
}

// TaskNetwork is where the interface of a task is.
type TaskNetwork struct {
	Subnets, Groups []string
	PublicIP        *string
}

// The limits of a RunTask (Amazon ECS API Reference, RunTask).
const (
	tasksMost      = 10
	overridesMost  = 8192
	subnetsMost    = 16
	taskGroupsMost = 5
)

var (
	clientToken = regexp.MustCompile(`^[\x21-\x7e]{1,64}$`)
	startedBy   = regexp.MustCompile(`^[a-zA-Z0-9_/-]{1,128}$`)
)

// Refusal is what ECS refuses of a RunTask on Fargate, in a cluster without instances, by its form.
func (r TaskRun) Refusal() *Refusal {
	switch {
	case r.TaskDefinition == nil || *r.TaskDefinition == "":
		return client("TaskDefinition can not be blank.")
	case r.ClientToken != nil && !clientToken.MatchString(*r.ClientToken):
		return ecsParameter("The clientToken must have 1 to 64 characters, from ! to ~.")
	case r.StartedBy != nil && !startedBy.MatchString(*r.StartedBy):
		return ecsParameter("The startedBy must have 1 to 128 letters, numbers, hyphens, slashes or underscores.")
	case r.Count != nil && (*r.Count < 1 || *r.Count > tasksMost):
		return ecsParameter("The count must be between 1 and 10.")
	case r.LaunchType == nil || *r.LaunchType == "EC2": // which is the default
		return ecsParameter("No Container Instances were found in your cluster.")
	case *r.LaunchType != "FARGATE":
		return ecsParameter("The launch type is not valid.")
	case r.Network == nil:
		return ecsParameter("Network Configuration must be provided when networkMode 'awsvpc' is specified.")
	case len(r.Network.Subnets) == 0:
		return ecsParameter("subnets can not be empty.")
	case len(r.Network.Subnets) > subnetsMost:
		return ecsParameter("subnets can have at most 16 items.")
	case len(r.Network.Groups) > taskGroupsMost:
		return ecsParameter("securityGroups can have at most 5 items.")
	case r.Network.PublicIP != nil && !slices.Contains([]string{"ENABLED", "DISABLED"}, *r.Network.PublicIP):
		return ecsParameter("The assignPublicIp is not valid.")
	case length(r.Overrides) > overridesMost:
		return ecsParameter("Container Overrides length must be at most 8192")
	}
	return nil
}

// length is how many characters something has as JSON, which is what ECS counts.
func length(value any) int {
	if value == nil {
		return 0
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return overridesMost + 1
	}
	return utf8.RuneCount(encoded)
}

// Why Fargate does not place a task, as ECS words it.
const (
	NoTaskCapacity = "Capacity is unavailable at this time. Please try again later or in a different availability zone"
	NoTaskQuota    = "You've reached the limit on the number of vCPUs you can run concurrently"
)

// Refusals of ECS that depend on more than the form of a request.
var (
	NoCluster    = &Refusal{Code: "ClusterNotFoundException", Message: "Cluster not found."}
	NoDefinition = client("TaskDefinition not found.")
	NoTask       = ecsParameter("The referenced task was not found.")
)

// NoContainer is what ECS says of an override for a container that a task has not.
func NoContainer(name string) *Refusal {
	return ecsParameter("Override for container named " + name + " is not a container in the TaskDefinition.")
}

// TokenConflict is what ECS says of a client token that another RunTask was made with.
func TokenConflict() *Refusal {
	return &Refusal{
		Code: "ConflictException",
		Message: "The RunTask request could not be processed due to conflicts. The provided clientToken is already in use " +
			"with a different RunTask request. The resourceIds are the existing task ARNs which are already associated with the clientToken.",
	}
}

func client(message string) *Refusal { return &Refusal{Code: "ClientException", Message: message} }
func ecsParameter(message string) *Refusal {
	return &Refusal{Code: "InvalidParameterException", Message: message}
}
