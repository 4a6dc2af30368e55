package rds

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"
)

func TestRestoredInstanceHasTheDataOfThen(t *testing.T) {
	alone(t)
	b := newBench(t)
	c := b.client(t)
	port, user, password := b.backedUp(t, c, "source", nil)
	then := b.insert(t, port, user, password, 2)
	b.insert(t, port, user, password, 3)
	source := shipped(t, b, c, "source")
	out, err := c.RestoreDBInstanceToPointInTime(t.Context(), &sdk.RestoreDBInstanceToPointInTimeInput{
		SourceDBInstanceIdentifier: aws.String("source"), TargetDBInstanceIdentifier: aws.String("Back"), RestoreTime: &then,
		VpcSecurityGroupIds: []string{"sg-1", "sg-2"}, Tags: []types.Tag{{Key: aws.String("for"), Value: aws.String("acme")}}, DBInstanceClass: aws.String("db.t4g.large"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if status := aws.ToString(out.DBInstance.DBInstanceStatus); status != "creating" || aws.ToString(out.DBInstance.DBInstanceIdentifier) != "back" {
		t.Errorf("the answer is %+v", out.DBInstance)
	}
	back := become(t, c, "back", "available")
	for _, database := range []string{"postgres", "other"} {
		if got := b.numbers(t, portOf(back), user, password, database); got != "1,2" { // with the old password
			t.Errorf("%s has the rows %s", database, got)
		}
		if got := b.numbers(t, port, user, password, database); got != "1,2,3" {
			t.Errorf("%s of the source has the rows %s", database, got)
		}
	}
	if back.MasterUserSecret != nil || aws.ToBool(back.DeletionProtection) || aws.ToInt32(back.BackupRetentionPeriod) != 7 ||
		aws.ToString(back.DBParameterGroups[0].DBParameterGroupName) != "default.postgres15" || aws.ToString(back.KmsKeyId) != "arn:aws:kms:::key/k" ||
		aws.ToString(back.DBInstanceClass) != "db.t4g.large" || len(back.VpcSecurityGroups) != 2 || len(back.TagList) != 1 ||
		aws.ToString(back.DbiResourceId) == aws.ToString(source.DbiResourceId) || !back.InstanceCreateTime.After(*source.InstanceCreateTime) {
		t.Errorf("restored as %+v", back)
	}
	b.events.await(t, `"Message":"Restored from DB instance source to back"`)

	b.mu.Lock()
	dir := b.instances["back"].server.Dir()
	b.mu.Unlock()
	if _, err := c.ModifyDBInstance(t.Context(), &sdk.ModifyDBInstanceInput{DBInstanceIdentifier: aws.String("back"), ManageMasterUserPassword: aws.Bool(true)}); err != nil {
		t.Fatal(code(err))
	}
	managed := until(t, c, "back", "managed", func(i *types.DBInstance) bool { return i.MasterUserSecret != nil })
	_, renewed := b.vault.credentials(t, aws.ToString(managed.MasterUserSecret.SecretArn))
	if got := b.numbers(t, portOf(back), user, renewed, "other"); got != "1,2" {
		t.Errorf("with the managed password: %s", got)
	}
	if got := b.numbers(t, portOf(back), user, password, "other"); !strings.Contains(got, "28P01") {
		t.Errorf("with the old password: %s", got)
	}

	become(t, c, "back", "available")
	before := archives(t)
	if _, err := c.DeleteDBInstance(t.Context(), &sdk.DeleteDBInstanceInput{DBInstanceIdentifier: aws.String("back"), SkipFinalSnapshot: aws.Bool(true)}); err != nil {
		t.Fatal(code(err))
	}
	gone(t, c, "back")
	b.events.await(t, `db:back {"Date"`)
	b.events.await(t, `"EventID":"RDS-EVENT-0003"`)
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s is left", dir)
	}
	for end := time.Now().Add(10 * time.Second); archives(t) != before-1; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("of %d archives %d are left", before, archives(t))
		}
	}
	if b.vault.count() != 1 {
		t.Errorf("%d secrets are left, want the source's", b.vault.count())
	}
}

// alone has a test make its temporary folders where no other process does. The server runs as another user, which has to get there.
func alone(t *testing.T) {
	t.Helper()
	dir, err := os.MkdirTemp("", "hr")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", dir)
}

// archives counts the folders of archives that a test which is alone has made.
func archives(t *testing.T) int {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(os.TempDir(), "hr-wal-*"))
	if err != nil {
		t.Fatal(err)
	}
	return len(found)
}

func TestRestoreIsRefused(t *testing.T) {
	b := newBench(t)
	c := b.client(t)
	b.backedUp(t, c, "source", nil)
	b.instance(t, database("bare", nil))
	b.cfg.Quota = func(string) float64 { return 3 }
	source := get(t, c, "source")
	later, earlier := source.LatestRestorableTime.Add(time.Hour), source.InstanceCreateTime.Add(-time.Hour)
	window, err := c.DescribeDBInstanceAutomatedBackups(t.Context(), &sdk.DescribeDBInstanceAutomatedBackupsInput{DBInstanceIdentifier: aws.String("source")})
	if err != nil || len(window.DBInstanceAutomatedBackups) != 1 {
		t.Fatal(window, err)
	}
	backup := window.DBInstanceAutomatedBackups[0]
	if w := backup.RestoreWindow; w == nil || w.EarliestTime.Before(*source.InstanceCreateTime) || !w.LatestTime.After(*w.EarliestTime) || aws.ToString(backup.Status) != "active" {
		t.Errorf("the backups are %+v", backup)
	}
	for name, tt := range map[string]struct {
		change func(*sdk.RestoreDBInstanceToPointInTimeInput)
		want   string
	}{
		"later":      {func(in *sdk.RestoreDBInstanceToPointInTimeInput) { in.RestoreTime = &later }, "InvalidParameterValue: The specified instance cannot be restored to a time later than " + source.LatestRestorableTime.UTC().Format("2006-01-02T")},
		"earlier":    {func(in *sdk.RestoreDBInstanceToPointInTimeInput) { in.RestoreTime = &earlier }, "InvalidParameterValue: The specified instance cannot be restored to a time earlier than " + backup.RestoreWindow.EarliestTime.UTC().Format(time.RFC3339) + " because its backup retention period is set to 7 days."},
		"no backups": {func(in *sdk.RestoreDBInstanceToPointInTimeInput) { in.SourceDBInstanceIdentifier = aws.String("bare") }, "PointInTimeRestoreNotEnabled"},
		"no source": {func(in *sdk.RestoreDBInstanceToPointInTimeInput) {
			in.SourceDBInstanceIdentifier = aws.String("nobody")
		}, "DBInstanceNotFound"},
		"two sources":      {func(in *sdk.RestoreDBInstanceToPointInTimeInput) { in.SourceDbiResourceId = aws.String("db-1") }, "InvalidParameterCombination"},
		"there already":    {func(in *sdk.RestoreDBInstanceToPointInTimeInput) { in.TargetDBInstanceIdentifier = aws.String("bare") }, "DBInstanceAlreadyExists"},
		"a bad name":       {func(in *sdk.RestoreDBInstanceToPointInTimeInput) { in.TargetDBInstanceIdentifier = aws.String("a--b") }, "InvalidParameterValue"},
		"no subnets":       {func(in *sdk.RestoreDBInstanceToPointInTimeInput) { in.DBSubnetGroupName = aws.String("nowhere") }, "DBSubnetGroupNotFoundFault"},
		"no parameters":    {func(in *sdk.RestoreDBInstanceToPointInTimeInput) { in.DBParameterGroupName = aws.String("nothing") }, "DBParameterGroupNotFound"},
		"a managed secret": {func(in *sdk.RestoreDBInstanceToPointInTimeInput) { in.ManageMasterUserPassword = aws.Bool(true) }, "InvalidParameterCombination"},
		"two times":        {func(in *sdk.RestoreDBInstanceToPointInTimeInput) { in.RestoreTime = source.LatestRestorableTime }, ""},
		"neither time":     {func(in *sdk.RestoreDBInstanceToPointInTimeInput) { in.UseLatestRestorableTime = nil }, "InvalidParameterCombination"},
		"too many days":    {func(in *sdk.RestoreDBInstanceToPointInTimeInput) { in.BackupRetentionPeriod = aws.Int32(36) }, "InvalidParameterValue"},
		"a zone and a twin": {func(in *sdk.RestoreDBInstanceToPointInTimeInput) {
			in.MultiAZ, in.AvailabilityZone = aws.Bool(true), aws.String("eu-west-1a")
		}, "InvalidParameterCombination"},
	} {
		t.Run(name, func(t *testing.T) {
			in := &sdk.RestoreDBInstanceToPointInTimeInput{
				SourceDBInstanceIdentifier: aws.String("source"), TargetDBInstanceIdentifier: aws.String("back"), UseLatestRestorableTime: aws.Bool(true),
			}
			tt.change(in)
			if in.RestoreTime != nil && tt.want != "" {
				in.UseLatestRestorableTime = nil
			}
			if tt.want == "" {
				tt.want = "InvalidParameterCombination"
			}
			if _, err := c.RestoreDBInstanceToPointInTime(t.Context(), in); !strings.HasPrefix(code(err), tt.want) {
				t.Errorf("%s, want %s", code(err), tt.want)
			}
			if get(t, c, "back") != nil {
				t.Error("there is an instance")
			}
		})
	}
	latest := &sdk.RestoreDBInstanceToPointInTimeInput{
		SourceDBInstanceIdentifier: aws.String("source"), TargetDBInstanceIdentifier: aws.String("back"), UseLatestRestorableTime: aws.Bool(true), BackupRetentionPeriod: aws.Int32(0),
	}
	if _, err := c.RestoreDBInstanceToPointInTime(t.Context(), latest); err != nil {
		t.Fatal(err)
	}
	latest.TargetDBInstanceIdentifier = aws.String("more")
	if _, err := c.RestoreDBInstanceToPointInTime(t.Context(), latest); !strings.HasPrefix(code(err), "InstanceQuotaExceeded") {
		t.Errorf("beyond the quota: %v", err)
	}
	attributes, err := c.DescribeAccountAttributes(t.Context(), &sdk.DescribeAccountAttributesInput{})
	if err != nil || len(attributes.AccountQuotas) != 3 || aws.ToString(attributes.AccountQuotas[0].AccountQuotaName) != "DBInstances" ||
		aws.ToInt64(attributes.AccountQuotas[0].Used) != 3 || aws.ToInt64(attributes.AccountQuotas[0].Max) != 3 {
		t.Errorf("RDS says %+v, %v", attributes, err)
	}
	if back := become(t, c, "back", "available"); back.LatestRestorableTime != nil || aws.ToInt32(back.BackupRetentionPeriod) != 0 {
		t.Errorf("without backups: %+v", back)
	}
}

// A database host is lost; what takes its place has its name, so that nobody has to learn another address.
func TestInstanceIsRestoredUnderTheNameOfOneThatIsGone(t *testing.T) {
	b := newBench(t)
	c := b.client(t)
	declared := database("host", map[string]any{"BackupRetentionPeriod": 7})
	port, user, password := b.backedUp(t, c, "host", nil)
	b.insert(t, port, user, password, 2)
	host := shipped(t, b, c, "host")
	become(t, c, "host", "available")
	if _, err := c.DeleteDBInstance(t.Context(), &sdk.DeleteDBInstanceInput{
		DBInstanceIdentifier: aws.String("host"), SkipFinalSnapshot: aws.Bool(true), DeleteAutomatedBackups: aws.Bool(false),
	}); err != nil {
		t.Fatal(code(err))
	}
	gone(t, c, "host")
	left, err := c.DescribeDBInstanceAutomatedBackups(t.Context(), &sdk.DescribeDBInstanceAutomatedBackupsInput{DbiResourceId: host.DbiResourceId})
	if err != nil || len(left.DBInstanceAutomatedBackups) != 1 || aws.ToString(left.DBInstanceAutomatedBackups[0].Status) != "retained" {
		t.Fatalf("left are %+v, %v", left, err)
	}
	arn := left.DBInstanceAutomatedBackups[0].DBInstanceAutomatedBackupsArn
	if _, err := c.RestoreDBInstanceToPointInTime(t.Context(), &sdk.RestoreDBInstanceToPointInTimeInput{
		SourceDBInstanceAutomatedBackupsArn: arn, TargetDBInstanceIdentifier: aws.String("host"), UseLatestRestorableTime: aws.Bool(true),
	}); err != nil {
		t.Fatal(code(err))
	}
	back := become(t, c, "host", "available")
	if portOf(back) != port {
		t.Errorf("the endpoint is %s, was %s", portOf(back), port)
	}
	if got := b.numbers(t, port, user, password, "other"); got != "1,2" {
		t.Errorf("it has the rows %s", got)
	}
	if _, err := c.DeleteDBInstanceAutomatedBackup(t.Context(), &sdk.DeleteDBInstanceAutomatedBackupInput{DBInstanceAutomatedBackupsArn: arn}); err != nil {
		t.Fatal(code(err))
	}
	if _, err := c.DescribeDBInstanceAutomatedBackups(t.Context(), &sdk.DescribeDBInstanceAutomatedBackupsInput{DBInstanceAutomatedBackupsArn: arn}); !strings.HasPrefix(code(err), "DBInstanceAutomatedBackupNotFound") {
		t.Errorf("described: %v", err)
	}
	// The stack that made the one that is gone goes by its name.
	declared.PhysicalID = "host"
	if err := b.Delete(t.Context(), declared); err != nil {
		t.Fatal(err)
	}
	if get(t, c, "host") != nil {
		t.Error("it outlives its stack")
	}
}

func TestInstanceIsRestoredBesideTheFailedOneAndTakesItsName(t *testing.T) {
	b := newBench(t)
	c := b.client(t)
	port, user, password := b.backedUp(t, c, "host", nil)
	rename := func(from, to string) *types.DBInstance {
		t.Helper()
		become(t, c, from, "available")
		if _, err := c.ModifyDBInstance(t.Context(), &sdk.ModifyDBInstanceInput{
			DBInstanceIdentifier: &from, NewDBInstanceIdentifier: &to, ApplyImmediately: aws.Bool(true),
		}); err != nil {
			t.Fatal(code(err))
		}
		if now := get(t, c, from); now == nil || aws.ToString(now.DBInstanceStatus) != "available" || aws.ToString(now.DBInstanceIdentifier) != from {
			t.Errorf("it is renamed before anybody could notice: %+v", now)
		}
		return become(t, c, to, "available")
	}
	old := rename("host", "host-old")
	if portOf(old) == port {
		t.Error("its endpoint did not change with its name")
	}
	if get(t, c, "host") != nil {
		t.Error("the old name is still there")
	}
	if got := b.numbers(t, port, user, password, "other"); !strings.Contains(got, "refused") {
		t.Errorf("at the old endpoint: %s", got)
	}
	if got := b.numbers(t, portOf(old), user, password, "other"); got != "1" {
		t.Errorf("at the new endpoint: %s", got)
	}
	shipped(t, b, c, "host-old")
	if _, err := c.RestoreDBInstanceToPointInTime(t.Context(), &sdk.RestoreDBInstanceToPointInTimeInput{
		SourceDbiResourceId: old.DbiResourceId, TargetDBInstanceIdentifier: aws.String("host-new"), UseLatestRestorableTime: aws.Bool(true),
	}); err != nil {
		t.Fatal(code(err))
	}
	if now := rename("host-new", "host"); portOf(now) != port {
		t.Errorf("the endpoint is %s, was %s", portOf(now), port)
	}
	if got := b.numbers(t, port, user, password, "other"); got != "1" {
		t.Errorf("at the endpoint: %s", got)
	}
}

func TestLostInstanceComesBackFromItsBackups(t *testing.T) {
	b := newBench(t)
	c := b.client(t)
	_, user, password := b.backedUp(t, c, "lost", nil)
	if err := b.Lose("lost"); err != nil {
		t.Fatal(err)
	}
	if lost := get(t, c, "lost"); aws.ToString(lost.DBInstanceStatus) != "failed" || lost.LatestRestorableTime == nil {
		t.Errorf("it is %+v", lost)
	}
	b.events.await(t, `"EventID":"RDS-EVENT-0031"`)
	if _, err := c.DeleteDBInstance(t.Context(), &sdk.DeleteDBInstanceInput{DBInstanceIdentifier: aws.String("lost"), FinalDBSnapshotIdentifier: aws.String("last")}); !strings.HasPrefix(code(err), "InvalidDBInstanceState") {
		t.Errorf("deleted with a snapshot: %v", err)
	}
	if _, err := c.RestoreDBInstanceToPointInTime(t.Context(), &sdk.RestoreDBInstanceToPointInTimeInput{
		SourceDBInstanceIdentifier: aws.String("lost"), TargetDBInstanceIdentifier: aws.String("found"), UseLatestRestorableTime: aws.Bool(true),
	}); err != nil {
		t.Fatal(code(err))
	}
	found := become(t, c, "found", "available")
	if got := b.numbers(t, portOf(found), user, password, "postgres"); got != "1" {
		t.Errorf("it has the rows %s", got)
	}
	// One that was restored is backed up itself.
	shipped(t, b, c, "found")
}

func TestBackupsAreSwitchedOffAndOn(t *testing.T) {
	b := newBench(t)
	c := b.client(t)
	port, user, password := b.backedUp(t, c, "switched", nil)
	retain := func(days int32, now bool) {
		t.Helper()
		become(t, c, "switched", "available")
		if _, err := c.ModifyDBInstance(t.Context(), &sdk.ModifyDBInstanceInput{
			DBInstanceIdentifier: aws.String("switched"), BackupRetentionPeriod: &days, ApplyImmediately: &now,
		}); err != nil {
			t.Fatal(code(err))
		}
	}
	retain(0, false)
	if now := get(t, c, "switched"); aws.ToInt32(now.PendingModifiedValues.BackupRetentionPeriod) != 0 || now.PendingModifiedValues.BackupRetentionPeriod == nil || now.LatestRestorableTime == nil {
		t.Errorf("not at once: %+v", now)
	}
	retain(0, true)
	until(t, c, "switched", "without backups", func(i *types.DBInstance) bool {
		return i.LatestRestorableTime == nil && aws.ToInt32(i.BackupRetentionPeriod) == 0
	})
	retain(3, true)
	until(t, c, "switched", "backed up again", func(i *types.DBInstance) bool {
		return aws.ToInt32(i.BackupRetentionPeriod) == 3 && aws.ToString(i.DBInstanceStatus) == "available"
	})
	b.insert(t, port, user, password, 2)
	shipped(t, b, c, "switched")
	b.events.await(t, `"EventID":"RDS-EVENT-0032"`)
}

func TestStackKeepsBackupsOfItsInstanceIfItSaysSo(t *testing.T) {
	b := newBench(t)
	c := b.client(t)
	b.backedUp(t, c, "kept", map[string]any{"DeleteAutomatedBackups": "false"})
	r := database("kept", nil)
	r.PhysicalID = "kept"
	if err := b.Delete(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	out, err := c.DescribeDBInstanceAutomatedBackups(t.Context(), &sdk.DescribeDBInstanceAutomatedBackupsInput{})
	if err != nil || len(out.DBInstanceAutomatedBackups) != 1 {
		t.Errorf("left are %+v, %v", out, err)
	}
}
