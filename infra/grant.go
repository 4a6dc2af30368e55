package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/jsii-runtime-go"
)

// Grant is one statement of a role's policy. Where the CDK has a grant method that gives exactly
// what is called, that is used instead; most give more.
type Grant struct {
	Actions   []string
	Resources []*string
	When      Conditions // nil: always
}

// Conditions are a statement's conditions: operator, key, value or values.
type Conditions map[string]map[string]any

// permit adds grants to a role.
func permit(role awsiam.Role, grants ...Grant) {
	for _, g := range grants {
		role.AddToPolicy(g.statement())
	}
}

func (g Grant) statement() awsiam.PolicyStatement {
	props := &awsiam.PolicyStatementProps{
		Actions:   jsii.Strings(g.Actions...),
		Resources: &g.Resources,
	}
	if g.When != nil {
		conditions := map[string]any{}
		for operator, keys := range g.When {
			conditions[operator] = keys
		}
		props.Conditions = &conditions
	}
	return awsiam.NewPolicyStatement(props)
}

// statements are grants as a policy document takes them.
func statements(grants ...Grant) *[]awsiam.PolicyStatement {
	list := make([]awsiam.PolicyStatement, len(grants))
	for i, g := range grants {
		list[i] = g.statement()
	}
	return &list
}

// useKey lets a role use a key through one AWS service only: it can't decrypt by itself.
func useKey(key awskms.IKey, service string, actions ...string) Grant {
	return useKeyARN(key.KeyArn(), service, actions...)
}

func useKeyARN(key *string, service string, actions ...string) Grant {
	return Grant{
		Actions:   actions,
		Resources: []*string{key},
		When: Conditions{"StringEquals": {
			"kms:ViaService": through(service),
		}},
	}
}

// through is how a key's conditions name the service that uses it in the caller's name.
func through(service string) *string {
	return jsii.String(service + "." + *awscdk.Aws_REGION() + "." + *awscdk.Aws_URL_SUFFIX())
}

// The tag by which policies tell what is whose: on a thing that is there, and in a request.
const (
	stageOfResource = "aws:ResourceTag/headroom:stage"
	stageOfRequest  = "aws:RequestTag/headroom:stage"
)

// ofStage holds if each of the tags names the stage.
func ofStage(stage Stage, tags ...string) Conditions {
	equal := map[string]any{}
	for _, tag := range tags {
		equal[tag] = jsii.String(stage.Name)
	}
	return Conditions{"StringEquals": equal}
}

// arn names something of this account and region, such as arn("sqs", "name").
func arn(service, resource string) *string {
	return jsii.String("arn:" + *awscdk.Aws_PARTITION() + ":" + service + ":" + *awscdk.Aws_REGION() + ":" +
		*awscdk.Aws_ACCOUNT_ID() + ":" + resource)
}

// roleARN names roles of this account, by path and name.
func roleARN(pathAndName string) *string {
	return jsii.String("arn:" + *awscdk.Aws_PARTITION() + ":iam::" + *awscdk.Aws_ACCOUNT_ID() + ":role" + pathAndName)
}

// everything is for actions that AWS can't restrict to resources, and for policies of a resource.
func everything() *[]*string { return jsii.Strings("*") }
