package function_test

import (
	"os/exec"
	"strings"
	"testing"
)

// A clock that somebody could set has no place in AWS.
func TestOnlyLocalProgramsHaveAnotherClockThanTheMachines(t *testing.T) {
	for tags, want := range map[string]bool{"lambda.norpc": false, "lambda.norpc,local": true} {
		out, err := exec.Command("go", "list", "-deps", "-tags", tags, "headroom/functions/...").Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(string(out), "headroom/internal/function/localclock"); got != want {
			t.Errorf("built with the tags %s, it is linked: %v", tags, got)
		}
	}
}
