package stacks

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// cancelled is how CloudFormation words the failure of a resource that was only stopped because
// another one had failed.
const cancelled = "Resource creation cancelled"

// Failure says which resource kept a stack from being made, and why, in CloudFormation's words:
// "<logical id>: <reason>". The stack's own reason names resources and says nothing of why. It is
// empty when no resource failed. A failed stack has few events: the first page, of a hundred, has the
// failure.
func (f *Formation) Failure(ctx context.Context, nameOrID string) (string, error) {
	out, err := f.Client.DescribeStackEvents(ctx, &cloudformation.DescribeStackEventsInput{StackName: &nameOrID})
	if err != nil {
		return "", fmt.Errorf("read the events of stack %s: %w", nameOrID, err)
	}
	var failure string
	for _, e := range out.StackEvents { // the newest come first, and the first failure is what counts
		reason := aws.ToString(e.ResourceStatusReason)
		if e.ResourceStatus == types.ResourceStatusCreateFailed && !strings.HasPrefix(reason, cancelled) {
			failure = aws.ToString(e.LogicalResourceId) + ": " + reason
		}
	}
	return failure, nil
}
