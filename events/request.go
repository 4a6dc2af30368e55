package events

import (
	"encoding/json"
	"slices"
)

// IsRequest reports whether messages of a type are requests, by which people, or customers' systems, have something changed that is
// there already: their schemas want to know by whom (requestedBy). Customers need not say who it was in an
// InstanceChangeRequested, which is one nevertheless. What the functions send one another is none, nor is a signup.
func IsRequest(messageType string) bool {
	if messageType == TypeInstanceChangeRequested {
		return true
	}
	content, err := Schema(messageType)
	if err != nil {
		return false // of AWS, or of nobody
	}
	var schema struct {
		Required []string `json:"required"`
	}
	// The contract's tests read every schema.
	_ = json.Unmarshal(content, &schema)
	return slices.Contains(schema.Required, "type") && slices.Contains(schema.Required, "requestedBy")
}
