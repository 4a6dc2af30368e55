package awsclient

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	storagegateway "github.com/aws/aws-sdk-go-v2/service/storagegateway/types"
	"github.com/aws/smithy-go"
)

func api(code, message string) error {
	return fmt.Errorf("do something: %w", &smithy.GenericAPIError{Code: code, Message: message})
}

func invalid(code, message string) error {
	e := &storagegateway.InvalidGatewayRequestException{Message: aws.String(message)}
	if code != "" {
		e.Error_ = &storagegateway.StorageGatewayError{ErrorCode: storagegateway.ErrorCode(code)}
	}
	return fmt.Errorf("do something: %w", e)
}

func TestErrorsAreClassified(t *testing.T) {
	classes := map[string]func(error) bool{
		"not found": IsNotFound, "exists": IsAlreadyExists, "unreachable": IsUnreachable, "stale key": IsKeyStale,
		"untagged": IsUntagged, "unchanged": IsStackUnchanged, "busy": IsStackBusy, "in transit": IsInTransit, "no capacity": IsNoCapacity,
		"quota": IsInstanceQuota, "out of range": IsOutOfRange,
	}
	tests := []struct {
		name  string
		err   error
		class string // "": none
	}{
		{"a missing stack, as DescribeStacks words it", api("ValidationError", "Stack with id headroom-dev-x does not exist"), "not found"},
		{"a missing change set", api("ChangeSetNotFound", "ChangeSet [x] does not exist"), "not found"},
		{"a stack that is as it is to be", api("ValidationError", "No updates are to be performed."), "unchanged"},
		{"a stack that is being updated", api("ValidationError", "Stack:arn is in UPDATE_IN_PROGRESS state and can not be updated."), "busy"},
		{"a stack that is being cleaned up", api("ValidationError", "Stack:arn is in UPDATE_COMPLETE_CLEANUP_IN_PROGRESS state and can not be updated."), "busy"},
		{"a stack that is stuck", api("ValidationError", "Stack:arn is in UPDATE_ROLLBACK_FAILED state and can not be updated."), ""},
		{"a parameter that a template does not have", api("ValidationError", "Parameters: [Slots] do not exist in the template"), ""},
		{"a volume that is elsewhere", api("VolumeInUse", "vol-1 is already attached to an instance"), "in transit"},
		{"a machine that is stopping", api("IncorrectInstanceState", "The instance 'i-1' is not in a state from which it can be started."), "in transit"},
		{"no room for a machine", api("InsufficientInstanceCapacity", "Insufficient capacity."), "no capacity"},
		{"a database that is being changed", api("InvalidDBInstanceState", "Database instance is not in available state."), "in transit"},
		{"no room for a database", api("InsufficientDBInstanceCapacity", ""), "no capacity"},
		{"a database of that name", api("DBInstanceAlreadyExists", "DB instance already exists"), "exists"},
		{"no backups of a database", api("DBInstanceAutomatedBackupNotFound", ""), "not found"},
		{"too many databases", api("InstanceQuotaExceeded", ""), "quota"},
		{"too much storage of databases", api("StorageQuotaExceeded", ""), "quota"},
		{"a time before the backups", api("InvalidParameterValue", "The specified instance cannot be restored to a time earlier than 2026-11-26T10:15:00Z because its backup retention period is set to 7 days."), "out of range"},
		{"a time that has not come", api("InvalidParameterValue", "The specified instance cannot be restored to a time later than 2026-11-26T10:15:00Z."), "out of range"},
		{"a database that is not backed up", api("PointInTimeRestoreNotEnabled", ""), "out of range"},
		{"another bad parameter of a database", api("InvalidParameterValue", "Invalid DB Instance class: x"), ""},
		{"another validation error", api("ValidationError", "1 validation error detected"), ""},
		{"a missing parameter", api("ParameterNotFound", ""), "not found"},
		{"a rule that is there already", api("InvalidPermission.Duplicate", ""), "exists"},
		{"a stack of that name", api("AlreadyExistsException", ""), "exists"},
		{"a failed condition", api("ConditionalCheckFailedException", ""), ""},
		{"throttling", api("Throttling", "Rate exceeded"), ""},
		{"a missing grant", api("AccessDeniedException", ""), ""},
		{"an inner code", invalid("GatewayNotConnected", "x"), "unreachable"},
		{"an inner code that the SDK does not know", invalid("FileShareNotFound", "x"), "not found"},
		{"a bucket without tags", api("NoSuchTagSet", "The TagSet does not exist"), "untagged"},
		{"words only: no gateway", invalid("", "The specified gateway was not found."), "not found"},
		{"words only: not connected", invalid("", "The specified gateway is not connected."), "unreachable"},
		{"an expired key", invalid("ActivationKeyExpired", ""), "stale key"},
		{"no words that are known", invalid("", "Something else"), ""},
		{"an inner code of an internal error", &storagegateway.InternalServerError{Error_: &storagegateway.StorageGatewayError{ErrorCode: "RequestTimeout"}}, "unreachable"},
		{"no answer at all", errors.New("connection refused"), ""},
		{"no answer in time", fmt.Errorf("do something: %w", &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}), "unreachable"},
		{"the caller's time is over", fmt.Errorf("do something: %w", &smithy.CanceledError{Err: context.DeadlineExceeded}), ""},
		{"nil", nil, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for class, is := range classes {
				if got := is(test.err); got != (class == test.class) {
					t.Errorf("%s = %v for %v", class, got, test.err)
				}
			}
		})
	}
}

func TestCodePrefersTheInnerCode(t *testing.T) {
	if got := Code(invalid("GatewayNotFound", "x")); got != "GatewayNotFound" {
		t.Errorf("code %q", got)
	}
	if got := Code(invalid("", "odd")); got != "InvalidGatewayRequestException" {
		t.Errorf("code %q", got)
	}
	if got := Code(errors.New("x")); got != "" {
		t.Errorf("code %q", got)
	}
}
