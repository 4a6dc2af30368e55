package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// newHostTemplate makes the stack that a host's template is taken from. It is not deployed by the
// CDK, and needs no bootstrapping: the control plane creates stacks from the template.
func newHostTemplate(scope constructs.Construct, id, what string) awscdk.Stack {
	return awscdk.NewStack(scope, jsii.String(id), &awscdk.StackProps{
		Description: jsii.String("Headroom: one host, " + what),
		Synthesizer: awscdk.NewBootstraplessSynthesizer(nil),
	})
}

// hostParams are the values of the parameters that both templates have.
type hostParams struct {
	HostID      *string
	Mark        *string // of the order
	Stage       *string
	Vpc         *string
	KeyArn      *string // of what the host stores
	ClientGroup *string // security group of the functions that set the host up
}

func hostParameters(stack awscdk.Stack) hostParams {
	parameter(stack, "Tier", "Tier of the pool that the host belongs to", nil)
	return hostParams{
		HostID: parameter(stack, "HostId", "Name of the host, such as share-standard-3", func(p *awscdk.CfnParameterProps) {
			p.AllowedPattern = jsii.String("[a-z]+-[a-z0-9]+-[0-9]+")
		}),
		Mark: parameter(stack, "OrderMark", "Names the order of the host's machine", func(p *awscdk.CfnParameterProps) {
			p.AllowedPattern = jsii.String("[a-z0-9]{8,32}")
		}),
		Stage:       parameter(stack, "Stage", "Stage of the control plane", nil),
		Vpc:         parameter(stack, "VpcId", "Network of the host", nil),
		KeyArn:      parameter(stack, "KeyArn", "KMS key for all that the host stores", nil),
		ClientGroup: parameter(stack, "ClientSecurityGroupId", "Security group of the functions that set the host up", nil),
	}
}

// zoneParameter declares where a host lives.
func zoneParameter(stack awscdk.Stack) *string {
	return parameter(stack, "AvailabilityZone", "Zone of the host", nil)
}

// parameter declares a template parameter, a string unless change says otherwise, and returns its value.
func parameter(stack awscdk.Stack, id, description string, change func(*awscdk.CfnParameterProps)) *string {
	props := &awscdk.CfnParameterProps{Type: jsii.String("String"), Description: jsii.String(description)}
	if change != nil {
		change(props)
	}
	return awscdk.NewCfnParameter(stack, jsii.String(id), props).ValueAsString()
}

// output declares what Headroom reads from the stack; condition may be nil.
func output(stack awscdk.Stack, name string, value *string, condition awscdk.CfnCondition) {
	o := awscdk.NewCfnOutput(stack, jsii.String("Output"+name), &awscdk.CfnOutputProps{Value: value, Condition: condition})
	o.OverrideLogicalId(jsii.String(name))
}
