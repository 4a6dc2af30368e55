package rds

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"headroom/internal/local/resource"
)

func TestModifyIsRefused(t *testing.T) {
	b := newBench(t)
	c := b.client(t)
	b.instance(t, database("managed", nil))
	b.instance(t, database("other", nil))
	for name, tt := range map[string]struct {
		in   sdk.ModifyDBInstanceInput
		want string
	}{
		"nobody":                   {sdk.ModifyDBInstanceInput{DBInstanceIdentifier: aws.String("nobody")}, "DBInstanceNotFound"},
		"a password beside RDS's":  {sdk.ModifyDBInstanceInput{MasterUserPassword: aws.String("x1234567")}, "InvalidParameterCombination"},
		"no more, but no password": {sdk.ModifyDBInstanceInput{ManageMasterUserPassword: aws.Bool(false)}, "InvalidParameterCombination"},
		"rotated some day":         {sdk.ModifyDBInstanceInput{RotateMasterUserPassword: aws.Bool(true)}, "InvalidParameterCombination"},
		"the name of another":      {sdk.ModifyDBInstanceInput{NewDBInstanceIdentifier: aws.String("Other")}, "DBInstanceAlreadyExists"},
		"no name":                  {sdk.ModifyDBInstanceInput{NewDBInstanceIdentifier: aws.String("1st")}, "InvalidParameterValue"},
		"no such parameters":       {sdk.ModifyDBInstanceInput{DBParameterGroupName: aws.String("nothing")}, "DBParameterGroupNotFound"},
		"less storage":             {sdk.ModifyDBInstanceInput{AllocatedStorage: aws.Int32(10)}, "InvalidParameterCombination"},
		"many days":                {sdk.ModifyDBInstanceInput{BackupRetentionPeriod: aws.Int32(36)}, "InvalidParameterValue"},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.in.DBInstanceIdentifier == nil {
				tt.in.DBInstanceIdentifier = aws.String("managed")
			}
			if _, err := c.ModifyDBInstance(t.Context(), &tt.in); !strings.HasPrefix(code(err), tt.want) {
				t.Errorf("%s, want %s", code(err), tt.want)
			}
		})
	}
	if _, err := c.RebootDBInstance(t.Context(), &sdk.RebootDBInstanceInput{DBInstanceIdentifier: aws.String("other")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.ModifyDBInstance(t.Context(), &sdk.ModifyDBInstanceInput{DBInstanceIdentifier: aws.String("other")}); !strings.HasPrefix(code(err), "InvalidDBInstanceState") {
		t.Errorf("of one that reboots: %v", err)
	}
}

func TestMasterPasswordBecomesTheCallersAndRDSsAgain(t *testing.T) {
	b := newBench(t)
	c := b.client(t)
	port, user, first := b.instance(t, database("mine", nil))
	modify := func(in sdk.ModifyDBInstanceInput) {
		t.Helper()
		in.DBInstanceIdentifier = aws.String("mine")
		become(t, c, "mine", "available")
		if _, err := c.ModifyDBInstance(t.Context(), &in); err != nil {
			t.Fatal(code(err))
		}
	}
	modify(sdk.ModifyDBInstanceInput{RotateMasterUserPassword: aws.Bool(true), ApplyImmediately: aws.Bool(true)})
	arn := aws.ToString(get(t, c, "mine").MasterUserSecret.SecretArn)
	b.events.await(t, `"EventID":"RDS-EVENT-0016"`)
	if _, second := b.vault.credentials(t, arn); second == first {
		t.Error("the password was not rotated")
	} else if _, err := b.open(t, port, user, second, "postgres"); err != nil {
		t.Error(err)
	}
	modify(sdk.ModifyDBInstanceInput{ManageMasterUserPassword: aws.Bool(false), MasterUserPassword: aws.String("it's mine")})
	until(t, c, "mine", "without a secret", func(i *types.DBInstance) bool { return i.MasterUserSecret == nil })
	if _, err := b.open(t, port, user, "it's mine", "postgres"); err != nil || b.vault.count() != 0 {
		t.Errorf("with my password: %v; secrets %d", err, b.vault.count())
	}
	modify(sdk.ModifyDBInstanceInput{ManageMasterUserPassword: aws.Bool(true), MasterUserSecretKmsKeyId: aws.String("key")})
	now := until(t, c, "mine", "with a secret", func(i *types.DBInstance) bool { return i.MasterUserSecret != nil })
	if s := now.MasterUserSecret; aws.ToString(s.KmsKeyId) != "key" || aws.ToString(s.SecretStatus) != "active" {
		t.Errorf("the secret is %+v", s)
	}
}

func TestParameterGroupWaitsForAReboot(t *testing.T) {
	b := newBench(t)
	c := b.client(t)
	group, err := b.Create(t.Context(), resource.Resource{StackID: "s", StackName: "s", LogicalID: "Group", Type: "AWS::RDS::DBParameterGroup", Properties: map[string]any{
		"Family": "postgres15", "Parameters": map[string]any{"work_mem": "8192"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	port, user, password := b.instance(t, database("grouped", nil))
	show := func() (value string) {
		t.Helper()
		conn, err := b.open(t, port, user, password, "postgres")
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.QueryRow(t.Context(), "SHOW work_mem").Scan(&value); err != nil {
			t.Fatal(err)
		}
		return value
	}
	before := show()
	out, err := c.ModifyDBInstance(t.Context(), &sdk.ModifyDBInstanceInput{
		DBInstanceIdentifier: aws.String("grouped"), DBParameterGroupName: aws.String(group.PhysicalID), DeletionProtection: aws.Bool(true), VpcSecurityGroupIds: []string{"sg-9"},
	})
	if err != nil {
		t.Fatal(code(err))
	}
	if i := out.DBInstance; aws.ToString(i.DBParameterGroups[0].ParameterApplyStatus) != "pending-reboot" || !aws.ToBool(i.DeletionProtection) || aws.ToString(i.VpcSecurityGroups[0].VpcSecurityGroupId) != "sg-9" {
		t.Errorf("the answer is %+v", i)
	}
	if got := show(); got != before {
		t.Errorf("work_mem is %s at once", got)
	}
	if _, err := c.RebootDBInstance(t.Context(), &sdk.RebootDBInstanceInput{DBInstanceIdentifier: aws.String("grouped")}); err != nil {
		t.Fatal(err)
	}
	now := become(t, c, "grouped", "available")
	if got := show(); got != "8MB" || aws.ToString(now.DBParameterGroups[0].ParameterApplyStatus) != "in-sync" {
		t.Errorf("work_mem is %s after the reboot, the group %+v", got, now.DBParameterGroups)
	}
	if _, err := c.DeleteDBInstance(t.Context(), &sdk.DeleteDBInstanceInput{DBInstanceIdentifier: aws.String("grouped"), SkipFinalSnapshot: aws.Bool(true)}); !strings.HasPrefix(code(err), "InvalidParameterCombination: Cannot delete protected DB Instance") {
		t.Errorf("deleted: %v", err)
	}
}

func TestDeletionTakesAFinalSnapshotUnlessItIsSkipped(t *testing.T) {
	b := newBench(t)
	c := b.client(t)
	for n, name := range []string{"one", "two"} {
		b.instance(t, database(name, nil))
		for _, in := range []sdk.DeleteDBInstanceInput{{}, {SkipFinalSnapshot: aws.Bool(true), FinalDBSnapshotIdentifier: aws.String("last")}} {
			in.DBInstanceIdentifier = &name
			if _, err := c.DeleteDBInstance(t.Context(), &in); !strings.HasPrefix(code(err), "InvalidParameterCombination") {
				t.Errorf("%+v: %v", in, err)
			}
		}
		_, err := c.DeleteDBInstance(t.Context(), &sdk.DeleteDBInstanceInput{DBInstanceIdentifier: &name, FinalDBSnapshotIdentifier: aws.String("last")})
		if n == 1 {
			if !strings.HasPrefix(code(err), "DBSnapshotAlreadyExists") {
				t.Errorf("the same snapshot again: %v", err)
			}
			break
		}
		if err != nil {
			t.Fatal(code(err))
		}
		if now := get(t, c, name); now != nil && aws.ToString(now.DBInstanceStatus) != "deleting" {
			t.Errorf("it is %s", aws.ToString(now.DBInstanceStatus))
		}
		gone(t, c, name)
		out, err := c.DescribeDBSnapshots(t.Context(), &sdk.DescribeDBSnapshotsInput{DBInstanceIdentifier: &name})
		if err != nil || len(out.DBSnapshots) != 1 || aws.ToString(out.DBSnapshots[0].DBSnapshotIdentifier) != "last" {
			t.Errorf("the snapshots are %+v, %v", out, err)
		}
	}
}

func TestStoppedInstanceStartsWithItsData(t *testing.T) {
	b := newBench(t)
	c := b.client(t)
	port, user, password := b.backedUp(t, c, "asleep", nil)
	become(t, c, "asleep", "available")
	if _, err := c.StartDBInstance(t.Context(), &sdk.StartDBInstanceInput{DBInstanceIdentifier: aws.String("asleep")}); !strings.HasPrefix(code(err), "InvalidDBInstanceState") {
		t.Errorf("started while it runs: %v", err)
	}
	if _, err := c.StopDBInstance(t.Context(), &sdk.StopDBInstanceInput{DBInstanceIdentifier: aws.String("asleep")}); err != nil {
		t.Fatal(code(err))
	}
	before := become(t, c, "asleep", "stopped")
	time.Sleep(200 * time.Millisecond) // by then one that died would have been started
	if _, err := b.open(t, port, user, password, "postgres"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("connected to what is stopped: %v", err)
	}
	if now := get(t, c, "asleep"); !now.LatestRestorableTime.Equal(*before.LatestRestorableTime) {
		t.Error("its latest restorable time moves")
	}
	if _, err := c.StartDBInstance(t.Context(), &sdk.StartDBInstanceInput{DBInstanceIdentifier: aws.String("asleep")}); err != nil {
		t.Fatal(code(err))
	}
	become(t, c, "asleep", "available")
	if got := b.numbers(t, port, user, password, "other"); got != "1" {
		t.Errorf("it has the rows %s", got)
	}
	shipped(t, b, c, "asleep")
}

func TestFullInstanceTakesNoWritesUntilItIsGivenStorage(t *testing.T) {
	b := newBench(t)
	c := b.client(t)
	port, user, password := b.backedUp(t, c, "full", nil)
	conn, err := b.open(t, port, user, password, "postgres")
	if err != nil {
		t.Fatal(err)
	}
	become(t, c, "full", "available")
	if err := b.FillStorage("full"); err != nil {
		t.Fatal(err)
	}
	if status := aws.ToString(get(t, c, "full").DBInstanceStatus); status != "storage-full" {
		t.Errorf("it is %s", status)
	}
	for _, id := range []string{"RDS-EVENT-0089", "RDS-EVENT-0007"} {
		b.events.await(t, `"EventID":"`+id+`"`)
	}
	writes := func(want bool) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			_, err := conn.Exec(t.Context(), "INSERT INTO kept VALUES (2)") // a session that was there before
			if (err == nil) == want {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("it writes: %v", err)
			}
		}
	}
	writes(false)
	if got := b.numbers(t, port, user, password, "other"); got != "1" {
		t.Errorf("it has the rows %s", got)
	}
	if _, err := c.ModifyDBInstance(t.Context(), &sdk.ModifyDBInstanceInput{DBInstanceIdentifier: aws.String("full"), AllocatedStorage: aws.Int32(40), ApplyImmediately: aws.Bool(true)}); err != nil {
		t.Fatal(code(err))
	}
	if now := become(t, c, "full", "available"); aws.ToInt32(now.AllocatedStorage) != 40 {
		t.Errorf("it has %d GiB", aws.ToInt32(now.AllocatedStorage))
	}
	writes(true)
}

func TestFailoverAndCrashComeBackByThemselves(t *testing.T) {
	b := newBench(t)
	c := b.client(t)
	port, user, password := b.backedUp(t, c, "twin", map[string]any{"MultiAZ": "true"})
	b.instance(t, database("single", nil))
	if err := b.Failover("single"); err == nil {
		t.Error("one without a standby failed over")
	}
	become(t, c, "single", "available")
	if _, err := c.ModifyDBInstance(t.Context(), &sdk.ModifyDBInstanceInput{DBInstanceIdentifier: aws.String("single"), MultiAZ: aws.Bool(true), ApplyImmediately: aws.Bool(true)}); err != nil {
		t.Fatal(code(err))
	}
	for end := time.Now().Add(20 * time.Second); !aws.ToBool(get(t, c, "single").MultiAZ); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it was given no standby")
		}
	}
	become(t, c, "single", "available")
	if err := b.Failover("single"); err != nil {
		t.Errorf("one that was given a standby: %v", err)
	}
	become(t, c, "twin", "available")
	if _, err := c.RebootDBInstance(t.Context(), &sdk.RebootDBInstanceInput{DBInstanceIdentifier: aws.String("twin"), ForceFailover: aws.Bool(true)}); err != nil {
		t.Fatal(code(err))
	}
	b.events.await(t, `"EventID":"RDS-EVENT-0013"`)
	b.events.await(t, `"EventID":"RDS-EVENT-0049"`)
	become(t, c, "twin", "available")
	if err := b.Crash("twin"); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if got := b.numbers(t, port, user, password, "other"); got == "1" {
			break
		} else if time.Now().After(end) {
			t.Fatalf("it has the rows %s", got)
		}
	}
	shipped(t, b, c, "twin")
	out, err := c.DescribeEvents(t.Context(), &sdk.DescribeEventsInput{SourceIdentifier: aws.String("twin"), SourceType: types.SourceTypeDbInstance, EventCategories: []string{"failover", "creation"}, Duration: aws.Int32(14 * 24 * 60)})
	if err != nil {
		t.Fatal(code(err))
	}
	var said []string
	for _, e := range out.Events {
		said = append(said, fmt.Sprintf("%s %s", e.EventCategories[0], aws.ToString(e.Message)))
	}
	if want := "creation DB instance created|failover Multi-AZ instance failover started.|failover Multi-AZ instance failover completed"; strings.Join(said, "|") != want {
		t.Errorf("the events are %q", said)
	}
	if _, err := c.DescribeEvents(t.Context(), &sdk.DescribeEventsInput{SourceIdentifier: aws.String("twin")}); !strings.HasPrefix(code(err), "InvalidParameterCombination") {
		t.Errorf("a source without its type: %v", err)
	}
}
