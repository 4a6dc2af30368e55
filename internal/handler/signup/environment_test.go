package signup

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"headroom/internal/pool"
)

func setEnvironment(t *testing.T) {
	for _, name := range []string{
		"STAGE", "TABLE_NAME", "BUS_NAME", "POLICY_PARAMETER", "SIGNUP_STEPS_QUEUE_URL", "SIGNUP_DLQ_URL",
		"POOLCHECK_QUEUE_URL", "HOST_QUEUE_URL", "SECRET_PREFIX", "SECRET_KEY_ID",
	} {
		t.Setenv(name, "set")
	}
	t.Setenv("DATABASE_SLOTS", "20")
	t.Setenv("INSTANCE_NETWORKS", "10.0.0.0/16, 10.9.1.7/24")
	t.Setenv("HOST_NETWORKS", "10.0.16.0/20")
	t.Setenv("MOUNT_OPTIONS", "nfsvers=4.1,nolock,hard")
}

func TestTheEnvironmentIsRead(t *testing.T) {
	setEnvironment(t)
	e, err := ReadEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	networks, err := e.Networks()
	if err != nil || len(networks.Instances) != 2 || networks.Instances[1].String() != "10.9.1.0/24" || len(networks.Hosts) != 1 {
		t.Errorf("networks %v, %v", networks, err)
	}
}

func TestABadEnvironmentIsRefused(t *testing.T) {
	t.Run("empty", func(t *testing.T) {
		setEnvironment(t)
		t.Setenv("TABLE_NAME", "")
		if _, err := ReadEnvironment(); err == nil || !strings.Contains(err.Error(), "TABLE_NAME") {
			t.Errorf("got %v", err)
		}
	})
	for _, options := range []string{"hard;rm", "hard nolock", ",hard", "hard,", "vers=", "-o"} {
		t.Run("mount options "+options, func(t *testing.T) {
			setEnvironment(t)
			t.Setenv("MOUNT_OPTIONS", options)
			if _, err := ReadEnvironment(); !errors.Is(err, ErrMountOptions) {
				t.Errorf("got %v", err)
			}
		})
	}
	for _, variable := range []string{"INSTANCE_NETWORKS", "HOST_NETWORKS"} {
		t.Run("no networks in "+variable, func(t *testing.T) {
			setEnvironment(t)
			t.Setenv(variable, "10.0.0.1")
			if _, err := ReadEnvironment(); !errors.Is(err, pool.ErrNetworks) || !strings.Contains(err.Error(), variable) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestNewWantsAllOfItsConfiguration(t *testing.T) {
	whole := newWorld(t, undisturbed, 0).handler(undisturbed).Config
	for name, spoil := range map[string]func(*Config){
		"Ledger":   func(c *Config) { c.Ledger = nil },
		"Refused":  func(c *Config) { c.Refused = nil },
		"Networks": func(c *Config) { c.Networks.Instances = nil },
		"Options":  func(c *Config) { c.Mount = "" },
		"Log":      func(c *Config) { c.Log = (*slog.Logger)(nil) },
		"Now":      func(c *Config) { c.Now = nil },
	} {
		c := whole
		spoil(&c)
		if _, err := New(c); err == nil {
			t.Errorf("made without %s", name)
		}
	}
}
