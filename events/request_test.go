package events

import (
	"slices"
	"testing"
)

func TestRequestsAreThoseOfWhichTheSchemaWantsToKnowByWhom(t *testing.T) {
	for _, name := range Names() {
		required := shapeOf(name).Required
		want := slices.Contains(required, "type") && slices.Contains(required, "requestedBy") || name == TypeInstanceChangeRequested
		if IsRequest(name) != want {
			t.Errorf("whether %s is a request is said to be %t, and is %t by its schema", name, !want, want)
		}
	}
	if IsRequest("CloudFormation Stack Status Change") || IsRequest(TypeSignupRequested) {
		t.Error("an event of AWS's, or a signup, is a request")
	}
}

func TestArgumentsAreWhatElseARequestSays(t *testing.T) {
	for name, want := range map[string][]string{
		TypeInstanceChangeRequested: {"add", "remove"}, TypeRestoreRequest: {"database", "grace", "share", "to"}, TypeDepartureRequest: {"slot"},
		TypeSlotRequest: {}, TypeHostRequest: {}, TypeDoneByHand: {}, TypeRepairRequest: {"image", "size", "way"}, TypeDecommissionRequested: {"asOf", "grace"},
	} {
		if got := Arguments(name); !slices.Equal(got, want) {
			t.Errorf("arguments of %s are %v, want %v", name, got, want)
		}
	}
}
