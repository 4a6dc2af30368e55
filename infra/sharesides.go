package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"headroom/internal/pool"
)

// sides are what a new gateway over the same buckets is made by (docs/decisions/new-gateway.md). A stack is on one of two
// sides, each with a cache disk and roles of its own. Before a stack changes sides it is fenced: the roles that there are deny
// everything, and so the old gateway reaches no bucket, also where CloudFormation fails to delete a role afterwards.
type sides struct {
	A, B, Fenced awscdk.CfnCondition
}

// side is one of the two, with what the names of its resources and outputs end in.
type side struct {
	Suffix string
	Is     awscdk.CfnCondition
}

func (s sides) each() []side { return []side{{"", s.A}, {"B", s.B}} }

func newSides(stack awscdk.Stack) sides {
	which := parameter(stack, "Side", "Whose cache disk and roles there are: the other's once a new gateway takes over the buckets", func(p *awscdk.CfnParameterProps) {
		p.Default = jsii.String(pool.SideA)
		p.AllowedValues = jsii.Strings(pool.SideA, pool.SideB)
	})
	fence := parameter(stack, "Fence", "Whether the shares' roles deny everything, before a new gateway takes over the buckets", func(p *awscdk.CfnParameterProps) {
		p.Default = jsii.String("off")
		p.AllowedValues = jsii.Strings("off", "on")
	})
	is := func(id string, parameter *string, value string) awscdk.CfnCondition {
		return awscdk.NewCfnCondition(stack, jsii.String(id), &awscdk.CfnConditionProps{Expression: awscdk.Fn_ConditionEquals(parameter, jsii.String(value))})
	}
	return sides{A: is("OnSideA", which, pool.SideA), B: is("OnSideB", which, pool.SideB), Fenced: is("Fenced", fence, "on")}
}

// newCaches makes the gateway's cache disk. The API attaches it once the stack is complete: an attachment of the stack's would
// end whenever the machine is replaced, when it suits CloudFormation. A side that is left leaves its disk behind, which is no
// resource of the stack any more: what its gateway did not upload is there and nowhere else.
func newCaches(stack awscdk.Stack, stage Stage, p hostParams, zone *string, sides sides) {
	for _, side := range sides.each() {
		cache := awsec2.NewCfnVolume(stack, jsii.String("Cache"+side.Suffix), &awsec2.CfnVolumeProps{
			AvailabilityZone: zone,
			Size:             jsii.Number(stage.Shares.CacheGiB),
			VolumeType:       jsii.String("gp3"),
			Encrypted:        jsii.Bool(true),
			KmsKeyId:         p.KeyArn,
		})
		cache.CfnOptions().SetCondition(side.Is)
		keepOnceCreated(cache)
		output(stack, "CacheVolumeId"+side.Suffix, cache.Ref(), side.Is)
	}
}

// bothConditions is a condition that holds while both do.
func bothConditions(scope constructs.Construct, id string, a, b awscdk.CfnCondition) awscdk.CfnCondition {
	return awscdk.NewCfnCondition(scope, jsii.String(id), &awscdk.CfnConditionProps{Expression: awscdk.Fn_ConditionAnd(a, b)})
}
