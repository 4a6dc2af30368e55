// Package hoststacks wires CloudFormation, which builds hosts.
package hoststacks

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"headroom/internal/adapter/stacks"
)

// Client makes the client of hosts' stacks.
func Client(cfg aws.Config) *stacks.Client {
	return &stacks.Client{API: cloudformation.NewFromConfig(cfg)}
}
