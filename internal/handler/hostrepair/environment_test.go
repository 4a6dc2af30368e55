package hostrepair

import (
	"errors"
	"strings"
	"testing"

	"headroom/internal/pool"
)

func setEnvironment(t *testing.T) {
	for _, name := range []string{
		"STAGE", "TABLE_NAME", "BUS_NAME", "POLICY_PARAMETER", "REPAIR_STEPS_QUEUE_URL", "HOST_QUEUE_URL", "NOTIFY_TOPIC_ARN", "RUNBOOKS_URL",
		"STACK_ROLE_ARN", "DATABASE_TEMPLATE_URL", "SHARE_TEMPLATE_URL", "GATEWAY_IMAGE_PARAMETER",
		"NOBODY_ADDRESS", "SHARE_KEY_ID", "PROBER_CLUSTER", "PROBER_TASK", "PROBER_CONTAINER", "PROBER_SUBNETS", "PROBER_GROUP",
	} {
		t.Setenv(name, strings.ToLower(name))
	}
	t.Setenv("DATABASE_SLOTS", "20")
	t.Setenv("DATABASE_STACK_PARAMETERS", `{"VpcId":"vpc-1"}`)
	t.Setenv("SHARE_STACK_PARAMETERS", `{"ZoneId":"z"}`)
}

func TestTheEnvironmentIsRead(t *testing.T) {
	setEnvironment(t)
	e, err := ReadEnvironment()
	if err != nil || e.ActivationPort != 80 || e.StepsQueue != "repair_steps_queue_url" {
		t.Fatalf("%+v, %v", e, err)
	}
	templates, err := e.Templates()
	if err != nil || templates[pool.Database].Parameters["VpcId"] != "vpc-1" || templates[pool.Share].URL != "share_template_url" || templates[pool.Share].Parameters["ZoneId"] != "z" {
		t.Errorf("templates %+v, %v", templates, err)
	}
}

func TestWhatIsWrongWithAnEnvironmentIsNamed(t *testing.T) {
	for variable, test := range map[string]struct {
		value string
		want  error
	}{
		"ACTIVATION_PORT":           {"0", ErrPort},
		"DATABASE_STACK_PARAMETERS": {`["a"]`, ErrParameters},
		"SHARE_STACK_PARAMETERS":    {`{"a":1}`, ErrParameters},
	} {
		t.Run(variable, func(t *testing.T) {
			setEnvironment(t)
			t.Setenv(variable, test.value)
			if _, err := ReadEnvironment(); !errors.Is(err, test.want) {
				t.Errorf("%s=%s: %v", variable, test.value, err)
			}
		})
	}
	setEnvironment(t)
	t.Setenv("TABLE_NAME", "")
	if _, err := ReadEnvironment(); err == nil {
		t.Error("an empty name of the table is taken")
	}
}
