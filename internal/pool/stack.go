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
	ID      string
	Name    string
	Status  string // such as CREATE_COMPLETE
	Reason  string // of the status; empty when all is well
	Outputs map[string]string
}
