package decommission

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// required are the variables that have to say something.
var required = []string{
	"STAGE", "TABLE_NAME", "BUS_NAME", "POLICY_PARAMETER", "DECOMMISSION_STEPS_QUEUE_URL", "DECOMMISSION_DLQ_URL", "POOLCHECK_QUEUE_URL", "RESTORE_STEPS_QUEUE_URL",
	"NOTIFY_TOPIC_ARN", "RUNBOOKS_URL", "SECRET_PREFIX", "COPIER_PREFIX", "SECRET_KEY_ID", "SHARE_KEY_ID", "ARCHIVE_BUCKET", "ARCHIVE_KEY_ARN",
	"REPORT_BUCKET", "REPORT_ROLE_ARN",
	"ARCHIVIST_CLUSTER", "ARCHIVIST_TASK", "ARCHIVIST_CONTAINER", "ARCHIVIST_GROUP",
}

func environment(t *testing.T) {
	t.Helper()
	for _, name := range required {
		t.Setenv(name, "value of "+name)
	}
	t.Setenv("ARCHIVIST_SUBNETS", "subnet-a,subnet-b")
	t.Setenv("DATABASE_SLOTS", "20")
	t.Setenv("ARCHIVES_AT_ONCE", "4")
	t.Setenv("RESTORE_DAYS", "7")
	t.Setenv("LOG_DAYS", "14")
}

func TestTheEnvironmentIsRead(t *testing.T) {
	environment(t)
	e, err := ReadEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(e.Subnets, []string{"subnet-a", "subnet-b"}) || e.AtOnce != 4 || e.RestoreDays != 7 || e.Nobody != "192.0.2.1/32" {
		t.Errorf("read %+v", e)
	}
}

func TestAnEnvironmentThatLacksSomethingIsRefusedByItsName(t *testing.T) {
	for _, name := range append(slices.Clone(required), "ARCHIVIST_SUBNETS", "ARCHIVES_AT_ONCE", "RESTORE_DAYS") {
		t.Run(name, func(t *testing.T) {
			environment(t)
			t.Setenv(name, "")
			if _, err := ReadEnvironment(); err == nil || !strings.Contains(err.Error(), name) && !errors.Is(err, ErrAtOnce) && !errors.Is(err, ErrRestoreDays) {
				t.Errorf("answered %v", err)
			}
		})
	}
}

func TestWhatCanNotBeIsRefused(t *testing.T) {
	for _, test := range []struct {
		name, value string
		want        error
	}{
		{"NOBODY_ADDRESS", "192.0.2.0/24", ErrNobody},
		{"NOBODY_ADDRESS", "nobody", ErrNobody},
		{"ARCHIVES_AT_ONCE", "0", ErrAtOnce},
		{"ARCHIVES_AT_ONCE", "101", ErrAtOnce},
		{"LOG_DAYS", "0", ErrLogDays},
		{"RESTORE_DAYS", "0", ErrRestoreDays},
		{"RESTORE_DAYS", "36", ErrRestoreDays},
	} {
		t.Run(test.name+"="+test.value, func(t *testing.T) {
			environment(t)
			t.Setenv(test.name, test.value)
			if _, err := ReadEnvironment(); !errors.Is(err, test.want) {
				t.Errorf("answered %v", err)
			}
		})
	}
}
