package events

// TypeStackStatusChange is the detail-type of StackStatusChange.
const TypeStackStatusChange = "CloudFormation Stack Status Change"

// StackStatusChange is the detail of the event that CloudFormation (source
// aws.cloudformation) sends when the status of a stack changes.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/event-detail-stack-status-change.html
type StackStatusChange struct {
	StackID            string        `json:"stack-id"` // an ARN
	StatusDetails      StatusDetails `json:"status-details"`
	ClientRequestToken string        `json:"client-request-token"` // the one passed to CreateStack
}

// StatusDetails says how a stack is doing.
type StatusDetails struct {
	Status string `json:"status"`        // such as CREATE_COMPLETE
	Reason string `json:"status-reason"` // empty unless something went wrong
}
