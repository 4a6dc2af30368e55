package gatewaytest

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway/types"
	"github.com/aws/smithy-go"

	"headroom/internal/local/constraint"
)

// refuse is a refusal by an inner code.
func refuse(code types.ErrorCode) error {
	return &types.InvalidGatewayRequestException{
		Message: aws.String("request refused"),
		Error_:  &types.StorageGatewayError{ErrorCode: code},
	}
}

// refused is a refusal of a request's form, as the SDK decodes it.
func refused(r *constraint.Refusal) error {
	if r.Inner == "" {
		return &smithy.GenericAPIError{Code: r.Code, Message: r.Message}
	}
	return &types.InvalidGatewayRequestException{
		Message: &r.Message, Error_: &types.StorageGatewayError{ErrorCode: types.ErrorCode(r.Inner)},
	}
}

func tagForm(tags []types.Tag) []constraint.Tag {
	var form []constraint.Tag
	for _, tag := range tags {
		form = append(form, constraint.Tag{Key: tag.Key, Value: tag.Value})
	}
	return form
}

// word is a member that the SDK leaves out when it is empty.
func word[T ~string](value T) *string {
	if value == "" {
		return nil
	}
	return aws.String(string(value))
}
