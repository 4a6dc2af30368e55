package pool

import (
	"encoding/json"
	"os"
	"testing"

	"headroom/events"
)

func TestWhoseATaskIsCanBeReadBack(t *testing.T) {
	for _, owner := range []string{"acme.k3v9x2m7qa", "a_c-me.k3v9x2m7qa/share", ""} {
		if got := TaskOwner(TaskStartedBy(owner)); got != owner {
			t.Errorf("%q became %q", owner, got)
		}
	}
	if got := TaskStartedBy("acme.k3v9x2m7qa/share"); got != "acme/k3v9x2m7qa/share" {
		t.Errorf("it is started by %q", got)
	}
}

func TestATaskIsReadFromItsEvent(t *testing.T) {
	sample, err := os.ReadFile("../../events/sample/TaskStateChange.json")
	if err != nil {
		t.Fatal(err)
	}
	var e events.Envelope[events.TaskStateChange]
	if err := json.Unmarshal(sample, &e); err != nil {
		t.Fatal(err)
	}
	s := TaskOf(e.Detail)
	const reason = "Essential container in task exited: OutOfMemoryError: Container killed due to memory usage"
	if !s.Ended() || s.Owner != "acme.k3v9x2m7qa" || s.ARN != e.Detail.TaskARN || s.Version != 6 || s.Code != "EssentialContainerExited" ||
		s.Reason != reason || s.Exit == nil || *s.Exit != 137 {
		t.Errorf("got %+v", s)
	}
}
