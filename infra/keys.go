package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// Keys are the customer keys. They are apart so that who may read the ledger can't read a tenant's
// credentials or data with the same grant.
type Keys struct {
	Ledger   awskms.Key // the table and the notifications
	Secrets  awskms.Key // tenants' credentials
	Hosts    awskms.Key // tenants' data: databases, volumes, buckets, and the instances' master secrets
	Archives awskms.Key // the data of tenants that have left
}

// NewKeys makes the keys. They outlive the stack: what they encrypted may still be there.
func NewKeys(scope constructs.Construct, id string) Keys {
	scope = constructs.NewConstruct(scope, jsii.String(id))
	newKey := func(id, description string) awskms.Key {
		key := awskms.NewKey(scope, jsii.String(id), &awskms.KeyProps{
			Description:       jsii.String(description),
			EnableKeyRotation: jsii.Bool(true),
			RemovalPolicy:     awscdk.RemovalPolicy_RETAIN,
		})
		fixLogicalID(key, id+"Key")
		return key
	}
	archives := newKey("Archives", "Headroom: archives of tenants that have left")
	// Objects that are locked are lost with their key all the same: who means to destroy it changes its policy first.
	archives.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Effect:     awsiam.Effect_DENY,
		Principals: &[]awsiam.IPrincipal{awsiam.NewAnyPrincipal()},
		Actions:    jsii.Strings("kms:DisableKey", "kms:ScheduleKeyDeletion"),
		Resources:  everything(), // in a key's policy this is the key itself
	}), nil)
	return Keys{
		Ledger:   newKey("Ledger", "Headroom: the ledger table and the notifications"),
		Secrets:  newKey("Secrets", "Headroom: credentials of tenants"),
		Hosts:    newKey("Hosts", "Headroom: databases, volumes and buckets of hosts"),
		Archives: archives,
	}
}

// fixLogicalID gives a resource that must never be replaced a logical id that does not depend on
// where it stands in the program.
func fixLogicalID(c constructs.Construct, id string) {
	c.Node().DefaultChild().(awscdk.CfnElement).OverrideLogicalId(jsii.String(id))
}
