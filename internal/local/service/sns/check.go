// Package sns refuses what SNS refuses and its part, a third-party program, takes.
package sns

import (
	"headroom/internal/local/constraint"
	"headroom/internal/local/endpoint"
)

// Check looks at a call before its part gets it.
func Check(call endpoint.Call) error {
	if call.Operation != "Publish" {
		return nil
	}
	message, _ := call.Params["Message"].(string)
	return endpoint.Refused(constraint.Notification(constraint.Text(call.Params, "Subject"), message))
}
