package instancechange

import (
	"errors"
	"strings"
	"testing"

	"headroom/internal/pool"
)

func environment(t *testing.T) {
	t.Helper()
	for _, name := range []string{"STAGE", "TABLE_NAME", "BUS_NAME", "POLICY_PARAMETER", "CHANGE_STEPS_QUEUE_URL", "CHANGE_DLQ_URL"} {
		t.Setenv(name, "value of "+name)
	}
	t.Setenv("DATABASE_SLOTS", "20")
	t.Setenv("INSTANCE_NETWORKS", "10.0.0.0/8, 172.16.0.9/12")
	t.Setenv("HOST_NETWORKS", "10.200.0.0/16")
}

func TestTheEnvironmentIsRead(t *testing.T) {
	environment(t)
	e, err := ReadEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	networks, err := e.Networks()
	if err != nil || len(networks.Instances) != 2 || networks.Instances[1].String() != "172.16.0.0/12" || len(networks.Hosts) != 1 {
		t.Errorf("networks %+v, %v", networks, err)
	}
	if e.StepsQueue != "value of CHANGE_STEPS_QUEUE_URL" || e.DatabaseSlots != 20 {
		t.Errorf("read %+v", e)
	}
}

func TestAnEnvironmentThatLacksSomethingIsRefusedByItsName(t *testing.T) {
	for _, name := range []string{
		"STAGE", "TABLE_NAME", "BUS_NAME", "POLICY_PARAMETER", "CHANGE_STEPS_QUEUE_URL", "CHANGE_DLQ_URL",
		"INSTANCE_NETWORKS", "HOST_NETWORKS",
	} {
		t.Run(name, func(t *testing.T) {
			environment(t)
			t.Setenv(name, "")
			if _, err := ReadEnvironment(); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("answered %v", err)
			}
		})
	}
}

func TestNetworksThatAreNoneAreRefused(t *testing.T) {
	for _, name := range []string{"INSTANCE_NETWORKS", "HOST_NETWORKS"} {
		environment(t)
		t.Setenv(name, "10.0.0.0/8;10.1.0.0/16")
		if _, err := ReadEnvironment(); !errors.Is(err, pool.ErrNetworks) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: answered %v", name, err)
		}
	}
}

func TestAHandlerWantsAllOfItsConfiguration(t *testing.T) {
	w := newWorld(t, 0)
	whole := w.handler(undisturbed).Config
	for name, without := range map[string]func(*Config){
		"Ledger": func(c *Config) { c.Ledger = nil }, "Policies": func(c *Config) { c.Policies = nil }, "Access": func(c *Config) { c.Access = nil },
		"Announce": func(c *Config) { c.Announce = nil }, "Steps": func(c *Config) { c.Steps = nil }, "StepsQueue": func(c *Config) { c.StepsQueue = "" },
		"Refused": func(c *Config) { c.Refused = nil }, "Networks": func(c *Config) { c.Networks = pool.Networks{} },
		"Log": func(c *Config) { c.Log = nil }, "Now": func(c *Config) { c.Now = nil }, "Until": func(c *Config) { c.Until = nil },
	} {
		c := whole
		without(&c)
		if _, err := New(c); err == nil {
			t.Errorf("without %s it is built", name)
		}
	}
}
