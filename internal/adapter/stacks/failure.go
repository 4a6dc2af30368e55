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

// failurePages bounds how many pages of a stack's events are read, of a hundred each.
const failurePages = 10

// Failure returns which resource kept a stack from being made, and why, in CloudFormation's words:
// "<logical id>: <reason>". The stack's own reason names resources and says nothing of why. It is
// empty when no resource failed. The newest events come first, so that after a rollback the failure is
// behind those of all the resources that were deleted again.
func (c *Client) Failure(ctx context.Context, nameOrID string) (string, error) {
	var failure string
	pages := cloudformation.NewDescribeStackEventsPaginator(c.API, &cloudformation.DescribeStackEventsInput{StackName: &nameOrID})
	for n := 0; n < failurePages && pages.HasMorePages(); n++ {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", fmt.Errorf("read the events of stack %s: %w", nameOrID, err)
		}
		for _, e := range page.StackEvents {
			reason := aws.ToString(e.ResourceStatusReason)
			if e.ResourceStatus == types.ResourceStatusCreateFailed && !strings.HasPrefix(reason, cancelled) {
				failure = aws.ToString(e.LogicalResourceId) + ": " + reason // the first failure is what counts
			}
		}
	}
	return failure, nil
}
