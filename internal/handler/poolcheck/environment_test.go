package poolcheck

import (
	"errors"
	"strings"
	"testing"

	"headroom/internal/pool"
)

func setEnvironment(t *testing.T) {
	for _, name := range []string{
		"STAGE", "TABLE_NAME", "BUS_NAME", "POLICY_PARAMETER", "SIGNUP_STEPS_QUEUE_URL", "DECOMMISSION_STEPS_QUEUE_URL",
		"CHANGE_STEPS_QUEUE_URL", "REPAIR_STEPS_QUEUE_URL", "RESTORE_STEPS_QUEUE_URL", "HOST_QUEUE_URL", "NOTIFY_TOPIC_ARN", "RUNBOOKS_URL",
		"STACK_PREFIX", "STACK_ROLE_ARN", "DATABASE_TEMPLATE_URL", "SHARE_TEMPLATE_URL", "GATEWAY_IMAGE_PARAMETER",
	} {
		t.Setenv(name, strings.ToLower(name))
	}
	t.Setenv("DATABASE_SLOTS", "20")
	t.Setenv("DATABASE_STACK_PARAMETERS", `{"VpcId":"vpc-1"}`)
	t.Setenv("SHARE_STACK_PARAMETERS", `{}`)
	t.Setenv("DATABASE_ZONES", `[]`)
	t.Setenv("SHARE_ZONES", `[{"zone":"eu-west-1a","subnet":"subnet-a"},{"zone":"eu-west-1b","subnet":"subnet-b"}]`)
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
	if zones := templates[pool.Share].Zones; len(zones) != 2 || zones[1] != (pool.Zone{Name: "eu-west-1b", Subnet: "subnet-b"}) || len(templates[pool.Database].Zones) != 0 {
		t.Errorf("templates %+v", templates)
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
	for name, test := range map[string]struct{ variable, value string }{
		"zones that are no list":  {"DATABASE_ZONES", `{}`},
		"a zone without a name":   {"DATABASE_ZONES", `[{"zone":""}]`},
		"a zone twice":            {"DATABASE_ZONES", `[{"zone":"a"},{"zone":"a"}]`},
		"no zone for gateways":    {"SHARE_ZONES", `[]`},
		"a zone without a subnet": {"SHARE_ZONES", `[{"zone":"a","subnet":"s"},{"zone":"b"}]`},
	} {
		t.Run(name, func(t *testing.T) {
			setEnvironment(t)
			t.Setenv(test.variable, test.value)
			if _, err := ReadEnvironment(); !errors.Is(err, ErrZones) || !strings.Contains(err.Error(), test.variable) {
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
		"Images":    func(c *Config) { c.Images = nil },
		"Zones": func(c *Config) {
			c.Templates = map[pool.Kind]Template{pool.Share: {URL: "u"}, pool.Database: {URL: "u"}}
		},
		"Templates": func(c *Config) { c.Templates = map[pool.Kind]Template{pool.Share: c.Templates[pool.Share]} },
	} {
		c := whole
		spoil(&c)
		if _, err := New(c); err == nil {
			t.Errorf("made without %s", name)
		}
	}
}
