package stackcomplete

import (
	"errors"
	"testing"
)

func TestTheEnvironmentIsChecked(t *testing.T) {
	good := map[string]string{
		"STAGE": "dev", "TABLE_NAME": "t", "BUS_NAME": "b", "HOST_QUEUE_URL": "q", "POOLCHECK_QUEUE_URL": "p",
		"NOTIFY_TOPIC_ARN": "n", "RUNBOOKS_URL": "docs/runbooks.md", "STACK_ROLE_ARN": "r", "STACK_PREFIX": "headroom-dev-", "SHARE_KEY_ID": "k", "BACKUP_DAYS": "14",
	}
	tests := []struct {
		name, key, value string
		want             error
	}{
		{"a port that is none", "ACTIVATION_PORT", "0", ErrPort},
		{"a port that is too high", "ACTIVATION_PORT", "65536", ErrPort},
		{"backups that are kept for ever", "BACKUP_DAYS", "36", ErrBackupDays},
		{"nobody is everybody", "NOBODY_ADDRESS", "0.0.0.0/0", ErrNobody},
		{"nobody is a name", "NOBODY_ADDRESS", "nobody", ErrNobody},
	}
	for key, value := range good {
		t.Setenv(key, value)
	}
	if e, err := ReadEnvironment(); err != nil || e.ActivationPort != 80 || e.Nobody != "192.0.2.1/32" {
		t.Errorf("read %+v, %v", e, err)
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv(test.key, test.value)
			if _, err := ReadEnvironment(); !errors.Is(err, test.want) {
				t.Errorf("error %v", err)
			}
		})
	}
	for key := range good {
		t.Run("without "+key, func(t *testing.T) {
			t.Setenv(key, "")
			if _, err := ReadEnvironment(); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestAHandlerWithoutItsPartsIsNotMade(t *testing.T) {
	if _, err := New(Config{}); err == nil {
		t.Error("made")
	}
}
