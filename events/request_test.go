package events

import (
	"slices"
	"testing"
)

// Whoever adds a type sees here what it is taken for.
func TestRequestsAreThoseOfPeople(t *testing.T) {
	var requests []string
	for _, name := range Names() {
		if IsRequest(name) {
			requests = append(requests, name)
		}
	}
	want := []string{
		TypeDecommissionRequested, TypeDepartureRequest, TypeDoneByHand, TypeHostRequest, TypeInstanceChangeRequested, TypeMoveRequest, TypeRecoverRequest,
		TypeRepairRequest, TypeRestoreRequest, TypeRestoreUndo, TypeSlotRequest, TypeUndoRequested,
	}
	if !slices.Equal(requests, want) {
		t.Errorf("requests are %v, want %v", requests, want)
	}
	for name, want := range map[string][]string{
		TypeInstanceChangeRequested: {"add", "remove"}, TypeRestoreRequest: {"database", "grace", "share", "to"}, TypeDepartureRequest: {"slot"},
		TypeSlotRequest: {}, TypeHostRequest: {}, TypeDoneByHand: {}, TypeRepairRequest: {"image", "size", "way"}, TypeDecommissionRequested: {"asOf", "grace"},
	} {
		if got := Arguments(name); !slices.Equal(got, want) {
			t.Errorf("arguments of %s are %v, want %v", name, got, want)
		}
	}
	if IsRequest("CloudFormation Stack Status Change") || IsRequest(TypeSignupRequested) {
		t.Error("an event of AWS's, or a signup, is a request")
	}
}
