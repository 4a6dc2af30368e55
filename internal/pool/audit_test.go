package pool

import (
	"strings"
	"testing"
	"time"
)

// Lines from before there was a With have the copies that they had: else all of them were taken for changed.
func TestALineIsCopiedWithAllThatItSays(t *testing.T) {
	a := Audit{
		At: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC), Message: "m-1", Who: "AROAX:jo", Named: "jo", What: "InstanceChangeRequested", Of: "acme", Why: "a new image",
	}
	before, err := a.Copy()
	if err != nil {
		t.Fatal(err)
	}
	const was = `{"at":"2026-11-02T09:00:00Z","messageId":"m-1","who":"AROAX:jo","named":"jo","what":"InstanceChangeRequested","of":"acme","why":"a new image"}`
	if string(before.Content) != was {
		t.Errorf("the copy of a line without more is %s", before.Content)
	}
	a.With = "add 10.40.1.8"
	after, err := a.Copy()
	if err != nil || after.Key == before.Key || !strings.Contains(string(after.Content), `"with":"add 10.40.1.8"`) {
		t.Errorf("with more it is %s at %s, %v", after.Content, after.Key, err)
	}
}
