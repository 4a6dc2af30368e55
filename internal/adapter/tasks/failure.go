package tasks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/pool"
)

// ECS says by words only why Fargate places no task, sometimes as a failure inside of a success, and sometimes as an
// error, of one code or another.
// https://repost.aws/knowledge-center/ecs-fargate-runtask-capacity
const (
	noCapacity = "capacity is unavailable"
	atQuota    = "reached the limit on the number of"
	notFound   = "referenced task was not found"
)

// throttled are words of refusals that pass although their code says that the request is wrong: ECS asks EC2 about
// subnets and groups, and hands on what that answers.
var throttled = []string{"requestlimitexceeded", "request limit exceeded", "rate exceeded"}

// invalid are the codes of requests that will be refused again.
var invalid = []string{
	"ClientException", "InvalidParameterException", "ClusterNotFoundException", "ConflictException", "BlockedException",
	"PlatformUnknownException", "PlatformTaskDefinitionIncompatibilityException", "UnsupportedFeatureException",
}

// classify says which sort of refusal an error of RunTask is, if it is one.
func classify(err error) error {
	words := strings.ToLower(err.Error())
	sort := placement(words)
	switch {
	case sort != nil:
	case slices.ContainsFunc(throttled, func(w string) bool { return strings.Contains(words, w) }):
		return err
	case awsclient.Code(err) == "LimitExceededException":
		sort = pool.ErrTaskQuota
	case slices.Contains(invalid, awsclient.Code(err)):
		sort = pool.ErrTaskInvalid
	default:
		return err
	}
	return fmt.Errorf("%w: %w", sort, err)
}

// unplaced is the error that a failure inside of a success is.
func unplaced(f types.Failure) error {
	reason := strings.TrimSpace(aws.ToString(f.Reason) + " " + aws.ToString(f.Detail))
	if sort := placement(strings.ToLower(reason)); sort != nil {
		return fmt.Errorf("%w: %s", sort, reason)
	}
	return fmt.Errorf("ECS says: %s", reason)
}

// placement says what words, in small letters, mean for the placement of a task; nil: nothing.
func placement(words string) error {
	switch {
	case strings.Contains(words, noCapacity):
		return pool.ErrNoCapacity
	case strings.Contains(words, atQuota):
		return pool.ErrTaskQuota
	}
	return nil
}

// isMissing reports that StopTask was not answered because ECS does not know the task, which it has no code for.
func isMissing(err error) bool {
	return awsclient.Code(err) == "InvalidParameterException" && strings.Contains(strings.ToLower(err.Error()), notFound)
}
