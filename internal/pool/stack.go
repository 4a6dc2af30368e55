package pool

import "errors"

// ErrForeign means that a stack of the name is there, and that it is not the one that was ordered.
var ErrForeign = errors.New("a stack of that name is somebody else's")

// StackOrder is what a host's stack is made of.
type StackOrder struct {
	Name        string
	TemplateURL string // in S3
	Token       string // client request token: the same order again makes nothing new
	RoleARN     string // service role, by which CloudFormation makes the resources
	Parameters  map[string]string
	Tags        map[string]string // put on the stack and its resources; they also tell whose it is
}

// StackStatus is a stack as CloudFormation has it.
type StackStatus struct {
	ID         string
	Name       string
	Status     string // such as CREATE_COMPLETE
	Reason     string // of the status; empty when all is well
	Outputs    map[string]string
	Parameters map[string]string // by name; a value that is not to be seen (NoEcho) is "****"
	Tags       map[string]string
}

// StackChange is an update of a host's stack. Parameters that are not named keep their values, and so do the
// stack's tags.
type StackChange struct {
	Name        string
	Token       string // client request token: the same update again changes nothing; empty: none, as of a preview
	RoleARN     string // service role, by which CloudFormation changes the resources
	TemplateURL string // in S3; empty: the stack keeps its template
	Parameters  map[string]string
}

// ResourceChange is what a change set would do to one resource.
type ResourceChange struct {
	Action      string   // Add, Modify, Remove, Import, Dynamic or SyncWithActual
	Resource    string   // its logical ID
	Type        string   // such as AWS::EC2::Instance
	Replacement string   // of what is modified: True, False or Conditional; else empty
	Scope       []string // of what is modified: Properties, Tags, Metadata, CreationPolicy, UpdatePolicy, DeletionPolicy, …
}
