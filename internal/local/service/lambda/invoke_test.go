package lambda_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	lambdaevents "github.com/aws/aws-lambda-go/events"

	"headroom/internal/local/resource"
	"headroom/internal/local/service/lambda"
)

// say is an event with one message.
func say(body string) []byte {
	event, _ := json.Marshal(lambdaevents.SQSEvent{Records: []lambdaevents.SQSMessage{{MessageId: "1", Body: body}}})
	return event
}

func (r *rig) invoke(body string) lambda.Result {
	r.t.Helper()
	result, err := r.host.Invoke(r.t.Context(), "probe", say(body))
	if err != nil {
		r.t.Fatal(err)
	}
	return result
}

func TestFunctionFindsItsEnvironmentAndNoOther(t *testing.T) {
	t.Setenv("LEAK", "from the developer's shell")
	r := newRig(t, nil)
	r.function(nil)
	if result := r.invoke("ok"); result.FunctionError != "" {
		t.Fatalf("%s", result.Payload)
	}
	got := r.report("ok")
	for name, want := range map[string]any{
		"stage": "dev", "region": region, "memory": "128", "authority": "the local authority", "leak": "",
	} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	if left := got["left"].(float64); left < 1 || left > 2 {
		t.Errorf("%v seconds left of 2", left)
	}
}

func TestProcessStaysWarm(t *testing.T) {
	r := newRig(t, nil)
	r.function(nil)
	r.invoke("first")
	r.invoke("second")
	if first, second := r.report("first")["pid"], r.report("second")["pid"]; first != second {
		t.Errorf("processes %v and %v", first, second)
	}
}

func TestFunctionFailuresAreResults(t *testing.T) {
	for _, test := range []struct {
		body, want string
		survives   bool
	}{
		{"error", "the probe was told to fail", true},
		{"panic", "the probe was told to panic", false},
		{"exit", "Runtime exited with error: exit status 3", false},
		{"stuck", "Task timed out after 2.00 seconds", false},
		{"grow", "Runtime exited with error: signal: killed", false},
	} {
		t.Run(test.body, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			timeout := 60.0 // what ends by itself has the time that it takes a busy machine
			if test.body == "stuck" {
				timeout = 2
			}
			r.function(map[string]any{"Timeout": timeout})
			r.invoke("before")
			result := r.invoke(test.body)
			if result.FunctionError != "Unhandled" || !strings.Contains(string(result.Payload), test.want) {
				t.Errorf("%s %s, want %q", result.FunctionError, result.Payload, test.want)
			}
			if result := r.invoke("after"); result.FunctionError != "" {
				t.Fatalf("the next invocation: %s", result.Payload)
			}
			if same := r.report("before")["pid"] == r.report("after")["pid"]; same != test.survives {
				t.Errorf("same process afterwards: %v, want %v", same, test.survives)
			}
		})
	}
}

func TestProcessThatCannotStartFailsTheInvocation(t *testing.T) {
	r := newRig(t, nil)
	r.function(map[string]any{"Environment": map[string]any{"Variables": map[string]any{"BROKEN": "1"}}})
	result := r.invoke("ok")
	if !strings.Contains(string(result.Payload), "exit status 1") {
		t.Errorf("%s", result.Payload)
	}
	eventually(t, "what the process wrote is in the log", func() bool { return r.logged("cannot start") })
}

func TestIdleProcessesAreStopped(t *testing.T) {
	r := newRig(t, func(c *lambda.Config) { c.IdleTimeout = 1 })
	r.function(nil)
	r.invoke("ok")
	pid := r.report("ok")["pid"].(float64)
	eventually(t, "the process is gone", func() bool { return gone(int(pid)) })
}

func TestLinesBelowTheLogLevelAreDropped(t *testing.T) {
	r := newRig(t, nil)
	r.function(map[string]any{"LoggingConfig": map[string]any{"LogFormat": "JSON", "ApplicationLogLevel": "ERROR"}})
	r.invoke("panic")
	eventually(t, "the process has ended and its report is there", func() bool {
		return r.logged("platform.report")
	})
	if len(r.seen("panic")) != 0 {
		t.Error("an INFO line got through at level ERROR")
	}
}

func TestRoleMustTrustLambda(t *testing.T) {
	r := newRig(t, func(c *lambda.Config) {
		c.Assume = func(service, role string) error { return os.ErrPermission }
	})
	_, err := r.host.Create(t.Context(), resource.Resource{Type: "AWS::Lambda::Function", Properties: map[string]any{"FunctionName": "probe", "Role": role}})
	if err == nil || !strings.Contains(err.Error(), "cannot be assumed by Lambda") {
		t.Fatalf("error %v", err)
	}
}

func gone(pid int) bool {
	_, err := os.Stat(fmt.Sprintf("/proc/%d", pid))
	return os.IsNotExist(err)
}
