// Package resource is what the local CloudFormation and the services that make its resources speak of:
// a resource as a template declares it, and who makes it.
package resource

import "context"

// Resource is one resource of a stack, its properties with all intrinsic functions resolved.
type Resource struct {
	StackName  string
	StackID    string
	LogicalID  string
	Type       string // such as "AWS::SQS::Queue"
	PhysicalID string // empty before it is created
	Properties map[string]any
	Tags       map[string]string // the stack's tags
	// Incarnation is how many resources had its logical id in its stack before it.
	Incarnation int
}

// Created is what a provider answers: what Ref and Fn::GetAtt resolve to.
type Created struct {
	PhysicalID string         // what Ref gives
	Attributes map[string]any // what Fn::GetAtt gives, by attribute name
}

// Provider creates and deletes the resources of one or more types. Create may take its time (that
// is the resource's lead time) and must end when ctx does. Both must stand being called again for
// the same resource. Delete of what is not there succeeds.
type Provider interface {
	Create(ctx context.Context, r Resource) (Created, error)
	Delete(ctx context.Context, r Resource) error
}
