package poolcheck

import (
	"errors"
	"strings"
	"testing"

	"headroom/internal/pool"
)

func setEnvironment(t *testing.T) {
	for _, name := range []string{
		"STAGE", "TABLE_NAME", "BUS_NAME", "POLICY_PARAMETER", "SIGNUP_STEPS_QUEUE_URL", "HOST_QUEUE_URL", "NOTIFY_TOPIC_ARN",
		"STACK_PREFIX", "STACK_ROLE_ARN", "DATABASE_TEMPLATE_URL", "SHARE_TEMPLATE_URL",
	} {
		t.Setenv(name, strings.ToLower(name))
	}
	t.Setenv("DATABASE_STACK_PARAMETERS", `{"VpcId":"vpc-1"}`)
	t.Setenv("SHARE_STACK_PARAMETERS", `{}`)
}

func TestTheEnvironmentIsRead(t *testing.T) {
	setEnvironment(t)
	e, err := ReadEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	templates, err := e.Templates()
	if err != nil || templates[pool.Database].URL != "database_template_url" || templates[pool.Database].Parameters["VpcId"] != "vpc-1" {
		t.Errorf("templates %+v, %v", templates, err)
	}
}

func TestABadEnvironmentIsRefused(t *testing.T) {
	for name, value := range map[string]string{"DATABASE_STACK_PARAMETERS": `[]`, "SHARE_STACK_PARAMETERS": `{"Slots":3}`} {
		t.Run(name, func(t *testing.T) {
			setEnvironment(t)
			t.Setenv(name, value)
			if _, err := ReadEnvironment(); !errors.Is(err, ErrParameters) || !strings.Contains(err.Error(), name) {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("empty", func(t *testing.T) {
		setEnvironment(t)
		t.Setenv("STACK_ROLE_ARN", "")
		if _, err := ReadEnvironment(); err == nil || !strings.Contains(err.Error(), "STACK_ROLE_ARN") {
			t.Errorf("got %v", err)
		}
	})
}

func TestNewWantsAllOfItsConfiguration(t *testing.T) {
	whole := newWorld(t).handler(undisturbed).Config
	for name, spoil := range map[string]func(*Config){
		"Ledger":    func(c *Config) { c.Ledger = nil },
		"StackRole": func(c *Config) { c.StackRole = "" },
		"Stage":     func(c *Config) { c.Stage = "" },
		"Templates": func(c *Config) { c.Templates = map[pool.Kind]Template{pool.Share: c.Templates[pool.Share]} },
	} {
		c := whole
		spoil(&c)
		if _, err := New(c); err == nil {
			t.Errorf("made without %s", name)
		}
	}
}
