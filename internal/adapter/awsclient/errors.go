package awsclient

import (
	"errors"
	"net"
	"slices"
	"strings"

	storagegateway "github.com/aws/aws-sdk-go-v2/service/storagegateway/types"
	"github.com/aws/smithy-go"
)

// Code returns the error code of an AWS answer: Storage Gateway's inner code where there is one, the
// code of the API otherwise, and "" when err is no answer of AWS.
func Code(err error) string {
	if inner := gatewayCode(err); inner != "" {
		return inner
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// Reason is what AWS says, without the words of the SDK around it, which have an ID that is another each time; of what AWS did not say,
// the whole, in one line.
func Reason(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode() + ": " + api.ErrorMessage()
	}
	return strings.ReplaceAll(err.Error(), "\n", " ")
}

// IsNotFound reports that what was asked for does not exist.
func IsNotFound(err error) bool {
	return slices.Contains([]string{
		"ResourceNotFoundException", "NotFoundException", "NoSuchResourceException",
		"ParameterNotFound", "ParameterVersionNotFound",
		"NoSuchKey", "NoSuchBucket",
		"InvalidGroup.NotFound", "InvalidPermission.NotFound", "InvalidInstanceID.NotFound", "InvalidVolume.NotFound",
		"StackNotFoundException", "ChangeSetNotFound", "DBInstanceNotFound", "DBInstanceAutomatedBackupNotFound", "DBSnapshotNotFound",
		"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue",
		"GatewayNotFound", "FileShareNotFound",
	}, Code(err)) || isStackMissing(err)
}

// isStackMissing knows how CloudFormation words that a stack does not exist: DescribeStacks answers
// with a plain ValidationError.
func isStackMissing(err error) bool {
	return isInvalid(err, "does not exist")
}

// IsStackUnchanged reports that CloudFormation has nothing to do for an update of a stack.
func IsStackUnchanged(err error) bool {
	return isInvalid(err, "No updates are to be performed")
}

// IsStackBusy reports that CloudFormation is at work on a stack, so that it can't be changed now. Stacks whose work has
// failed are refused in nearly the same words: those stay as they are.
func IsStackBusy(err error) bool {
	return isInvalid(err, "_IN_PROGRESS state and can not be updated") || Code(err) == "OperationInProgressException"
}

// isInvalid knows what CloudFormation says in words only, under the code ValidationError.
func isInvalid(err error, words string) bool {
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == "ValidationError" && strings.Contains(api.ErrorMessage(), words)
}

// IsAlreadyExists reports that what was to be made is there already.
func IsAlreadyExists(err error) bool {
	return slices.Contains([]string{
		"AlreadyExistsException", "ResourceExistsException",
		"InvalidPermission.Duplicate", "DiskAlreadyAllocated", "DBInstanceAlreadyExists",
	}, Code(err))
}

// IsInTransit reports that a volume, a machine or a database instance is not in the state for what was asked, or no
// longer: that may pass, or be done already.
func IsInTransit(err error) bool {
	return slices.Contains([]string{"VolumeInUse", "IncorrectState", "IncorrectInstanceState", "InvalidDBInstanceState"}, Code(err))
}

// IsNoCapacity reports that EC2 or RDS has no room for a machine of that type in its zone now.
func IsNoCapacity(err error) bool {
	return slices.Contains([]string{"InsufficientInstanceCapacity", "InsufficientCapacity", "InsufficientDBInstanceCapacity"}, Code(err))
}

// IsInstanceQuota reports that the account has as many database instances, or as much storage for them, as it may.
func IsInstanceQuota(err error) bool {
	return slices.Contains([]string{"InstanceQuotaExceeded", "StorageQuotaExceeded"}, Code(err))
}

// IsOutOfRange reports that a database instance can't be restored to a time, which RDS says in words only, or to none.
func IsOutOfRange(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	return api.ErrorCode() == "PointInTimeRestoreNotEnabled" ||
		api.ErrorCode() == "InvalidParameterValue" && strings.Contains(api.ErrorMessage(), "restored to a time")
}

// IsDenied reports that the caller lacks a permission.
func IsDenied(err error) bool {
	switch code := Code(err); code {
	case "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "KMS.AccessDeniedException":
		return true
	default:
		return strings.HasSuffix(code, ".AccessDenied")
	}
}

// IsUntagged reports that a bucket has no tags, which S3 answers as an error.
func IsUntagged(err error) bool { return Code(err) == "NoSuchTagSet" }

// IsUnreachable reports that Storage Gateway knows the gateway and cannot reach its appliance now, as
// while it boots. It either says so, or holds the call, waiting itself, until the attempt's time is over.
func IsUnreachable(err error) bool {
	return isTimeout(err) || slices.Contains([]string{
		"GatewayNotConnected", "GatewayProxyNetworkConnectionBusy", "GatewayInternalError",
		"NetworkConfigurationChanged", "RequestTimeout",
	}, Code(err))
}

// isTimeout reports that an attempt got no answer in its time. The end of the caller's own time is
// another matter, although it looks the same: the SDK marks it as a cancellation.
func isTimeout(err error) bool {
	var canceled interface{ CanceledError() bool }
	if errors.As(err, &canceled) && canceled.CanceledError() {
		return false
	}
	var network net.Error
	return errors.As(err, &network) && network.Timeout()
}

// IsKeyStale reports that an activation key is expired, or that Storage Gateway does not know it.
func IsKeyStale(err error) bool {
	return slices.Contains([]string{"ActivationKeyExpired", "ActivationKeyInvalid", "ActivationKeyNotFound"}, Code(err))
}

// gatewayWords are how Storage Gateway words, in messages without an inner code, what the codes say.
var gatewayWords = []struct{ words, code string }{
	{"gateway was not found", "GatewayNotFound"},
	{"file share was not found", "FileShareNotFound"},
	{"fileshare was not found", "FileShareNotFound"},
	{"gateway is not connected", "GatewayNotConnected"},
	{"proxy network connection is busy", "GatewayProxyNetworkConnectionBusy"},
	{"activation key has expired", "ActivationKeyExpired"},
	{"disk is already allocated", "DiskAlreadyAllocated"},
}

// gatewayCode returns the inner code of a Storage Gateway error. It comes as the error's own code or
// in words only; "FileShareNotFound" is one that the SDK has no constant for.
func gatewayCode(err error) string {
	var invalid *storagegateway.InvalidGatewayRequestException
	var internal *storagegateway.InternalServerError
	var inner *storagegateway.StorageGatewayError
	var message string
	switch {
	case errors.As(err, &invalid):
		inner, message = invalid.Error_, invalid.ErrorMessage()
	case errors.As(err, &internal):
		inner, message = internal.Error_, internal.ErrorMessage()
	default:
		return ""
	}
	if inner != nil && inner.ErrorCode != "" {
		return strings.TrimSpace(string(inner.ErrorCode))
	}
	message = strings.ToLower(message)
	for _, w := range gatewayWords {
		if strings.Contains(message, w.words) || strings.Contains(message, strings.ToLower(w.code)) {
			return w.code
		}
	}
	return ""
}
