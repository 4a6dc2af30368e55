package events

import (
	"encoding/json"
	"maps"
	"slices"
)

// IsRequest reports whether messages of a type are requests, by which people, or customers' systems, have something changed that is
// there already: their schemas want to know by whom (requestedBy). Customers need not say who it was in an
// InstanceChangeRequested, which is one nevertheless. What the functions send one another is none, nor is a signup. It is asked of
// each message that is handled, so that no schema is read for it.
func IsRequest(messageType string) bool {
	switch messageType {
	case TypeDecommissionRequested, TypeDepartureRequest, TypeDoneByHand, TypeHostRequest, TypeInstanceChangeRequested, TypeMoveRequest,
		TypeRecoverRequest, TypeRepairRequest, TypeRestoreRequest, TypeRestoreUndo, TypeSlotRequest, TypeUndoRequested:
		return true
	default:
		return false
	}
}

// Arguments are the names, sorted, under which requests of a type say what they ask for, besides what every request says: its type,
// what it is about and what is to be done with that, by whom it is wanted, and why.
func Arguments(messageType string) []string {
	about := []string{"hostId", "tenantId", "departureId", "of"}
	if messageType == TypeSlotRequest {
		about = append(about, "slot")
	}
	said := append(about, "version", "type", "action", "requestedBy", "reason", "correlationId")
	return slices.DeleteFunc(slices.Sorted(maps.Keys(shapeOf(messageType).Properties)), func(name string) bool { return slices.Contains(said, name) })
}

// shape is what a schema says of a message's names.
type shape struct {
	Properties map[string]json.RawMessage `json:"properties"`
	Required   []string                   `json:"required"`
}

// shapeOf is that of a type of messages; of one of AWS's, or of nobody's, it is empty.
func shapeOf(messageType string) (s shape) {
	content, err := Schema(messageType)
	if err != nil {
		return s
	}
	// The contract's tests read every schema.
	_ = json.Unmarshal(content, &s)
	return s
}
