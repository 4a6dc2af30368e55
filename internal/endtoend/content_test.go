package endtoend

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/internal/operator"
)

// awaitContent waits until the doctor finds nothing that needs a person, but for alarms of the control plane that a test has
// made ring, by what ends their names: an alarm is on for as long as its periods, however soon its cause is over.
func (s *system) awaitContent(t *testing.T, most time.Duration, ringing ...string) {
	t.Helper()
	var left []operator.Need
	defer func() {
		if t.Failed() {
			t.Logf("the doctor says %+v", left)
		}
	}()
	s.awaitFor(t, most, "the doctor is content", func() bool {
		out, err := s.command(t, "doctor", "--json").Output()
		var d operator.Diagnosis
		if json.Unmarshal(out, &d) != nil {
			t.Logf("the doctor says %v: %s", err, out)
			return false
		}
		left = slices.DeleteFunc(d.Needs, func(n operator.Need) bool {
			return slices.ContainsFunc(ringing, func(what string) bool {
				return strings.HasPrefix(n.What, "alarm headroom-"+stage+"-") && strings.Contains(n.What, "-"+what+" is on")
			})
		})
		return len(left) == 0
	})
}
