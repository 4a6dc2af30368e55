package events

import (
	"errors"
	"strings"
	"testing"
)

func TestSlotRequestsAreRead(t *testing.T) {
	good := `{"version":"1","type":"SlotRequest","slot":"share-standard-3/2","action":"again","reason":"its bucket is empty","requestedBy":"ada"}`
	if got, err := ParseSlotRequest([]byte(good)); err != nil || got.Slot != "share-standard-3/2" || got.Action != SlotAgain || got.RequestedBy != "ada" {
		t.Errorf("read %+v, %v", got, err)
	}
	for name, test := range map[string]struct{ old, new, field string }{
		"no JSON":         {good, "back", FieldBody},
		"another action":  {`"again"`, `"resume"`, "action"},
		"no slot":         {`share-standard-3/2`, `share-standard-3`, "slot"},
		"a slot of none":  {`share-standard-3/2`, `share-standard-3/0`, "slot"},
		"another's queue": {`"SlotRequest"`, `"RecoverRequest"`, "type"},
		"no reason":       {`"its bucket is empty"`, `""`, "reason"},
		"nobody asks":     {`"ada"`, `""`, "requestedBy"},
	} {
		t.Run(name, func(t *testing.T) {
			var bad *FieldError
			if _, err := ParseSlotRequest([]byte(strings.Replace(good, test.old, test.new, 1))); !errors.As(err, &bad) || bad.Field != test.field {
				t.Errorf("got %v, want field %s", err, test.field)
			}
		})
	}
}
