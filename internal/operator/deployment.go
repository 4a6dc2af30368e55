package operator

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"headroom/internal/adapter/awsclient"
)

// StackPrefix is how the names of control planes' stacks begin; the stage follows.
const StackPrefix = "Headroom-"

// Deployment is a stage that is deployed.
type Deployment struct {
	Stage   string
	Region  string
	Outputs map[string]string // of the control plane's stack
}

// Stack is the name of the control plane's stack.
func (d Deployment) Stack() string { return StackPrefix + d.Stage }

// Output is an output of the control plane's stack.
func (d Deployment) Output(name string) (string, error) {
	value, ok := d.Outputs[name]
	if !ok {
		return "", &Failure{
			Err: fmt.Errorf("stack %s has no output %s", d.Stack(), name),
			Do:  "It is of another version than this command: deploy the version that the command is of, or take the command of its version.",
		}
	}
	return value, nil
}

type stacks interface {
	DescribeStacks(context.Context, *cloudformation.DescribeStacksInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeStacksOutput, error)
}

// Find finds a stage that is deployed; without a name, the only one there is.
func Find(ctx context.Context, client stacks, region, stage string) (Deployment, error) {
	if stage != "" {
		return findStage(ctx, client, region, stage)
	}
	var found []types.Stack
	pages := cloudformation.NewDescribeStacksPaginator(client, &cloudformation.DescribeStacksInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil && isDenied(err) {
			return Deployment{}, &Failure{
				Kind: Denied, Err: fmt.Errorf("look for Headroom's stack in %s: %w", region, err),
				Do: "Who may not list all stacks says which one: --stage dev, or HEADROOM_STAGE=dev.",
			}
		}
		if err != nil {
			return Deployment{}, fmt.Errorf("look for Headroom's stack in %s: %w", region, err)
		}
		for _, s := range page.Stacks {
			if strings.HasPrefix(aws.ToString(s.StackName), StackPrefix) && s.RootId == nil && s.StackStatus != types.StackStatusDeleteComplete {
				found = append(found, s)
			}
		}
	}
	switch len(found) {
	case 0:
		return Deployment{}, missing("Name another region with --region, or a local cloud with --endpoint; make deploy deploys it.", "Headroom is not deployed in %s", region)
	case 1:
		return deploymentOf(region, found[0]), nil
	}
	var stages []string
	for _, s := range found {
		stages = append(stages, strings.TrimPrefix(*s.StackName, StackPrefix))
	}
	slices.Sort(stages)
	return Deployment{}, refused("Say which one: --stage "+stages[0]+", or HEADROOM_STAGE="+stages[0]+".", "there are %d stages in %s: %s", len(stages), region, strings.Join(stages, ", "))
}

func findStage(ctx context.Context, client stacks, region, stage string) (Deployment, error) {
	out, err := client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: aws.String(StackPrefix + stage)})
	if awsclient.IsNotFound(err) || err == nil && len(out.Stacks) == 0 {
		return Deployment{}, missing("Name another stage with --stage, or another region with --region.", "there is no stage %s in %s", stage, region)
	}
	if err != nil {
		return Deployment{}, fmt.Errorf("look for stack %s%s in %s: %w", StackPrefix, stage, region, err)
	}
	return deploymentOf(region, out.Stacks[0]), nil
}

func deploymentOf(region string, s types.Stack) Deployment {
	d := Deployment{Stage: strings.TrimPrefix(aws.ToString(s.StackName), StackPrefix), Region: region, Outputs: map[string]string{}}
	for _, o := range s.Outputs {
		d.Outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	return d
}
