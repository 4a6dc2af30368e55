package endtoend

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"

	"headroom/internal/demo"
	"headroom/internal/local"
	"headroom/internal/pool"
)

// TestALostDatabaseHostIsRestoredByTheRunbook has an instance be lost with its data, and does by hand what "A database host is
// lost" in docs/operations.md says: its tenants have their rows at the same endpoint by the same secrets, and it takes new ones.
func TestALostDatabaseHostIsRestoredByTheRunbook(t *testing.T) {
	t.Parallel()
	s := start(t, policies(pool.Policy{SlotsPerHost: 3}, pool.Policy{SlotsPerHost: 3}), func(o *local.Options) {
		o.Speed, o.ShipEvery, o.Databases = 20, time.Minute, 2
	})
	s.awaitInService(t, 1, 1)
	s.signUp(t, "acme", "127.30.61.1")
	credentials := s.secret(t, s.awaitReady(t, "acme")["acme"].Database.SecretARN)
	const id = pool.HostID("database-standard-1")
	name, client := stackOf(id), rds.NewFromConfig(s.AWS())
	look := func() *rdstypes.DBInstance {
		out, err := client.DescribeDBInstances(t.Context(), &rds.DescribeDBInstancesInput{DBInstanceIdentifier: &name})
		if err != nil {
			return nil
		}
		return &out.DBInstances[0]
	}
	status := func() string {
		if i := look(); i != nil {
			return aws.ToString(i.DBInstanceStatus)
		}
		return "gone"
	}
	execute := func(sql string) {
		t.Helper()
		conn, err := demo.Connect(t.Context(), s.Deployment, credentials)
		must(t, err)
		defer conn.Close(context.Background())
		_, err = conn.Exec(t.Context(), sql)
		must(t, err)
	}
	execute("CREATE TABLE app.kept AS SELECT 'a row' AS what")
	latest := aws.ToTime(look().LatestRestorableTime)
	s.await(t, "it can be restored to after the row", func() bool {
		now := aws.ToTime(look().LatestRestorableTime)
		if latest.IsZero() {
			latest = now
		}
		return now.Sub(latest) > 2*time.Minute // by the cloud's clock, on which the row is older
	})
	mark := s.mark()
	must(t, s.Databases.Lose(name))
	s.awaitLog(t, mark, "poolcheck", "pool check asked for", "RDS DB Instance Event")
	s.await(t, "what RDS said stands in the host's history", func() bool {
		return slices.ContainsFunc(s.host(t, id).History, func(e pool.Entry) bool { return strings.HasPrefix(e.What, "RDS-EVENT-") })
	})
	s.await(t, "the host is cordoned", func() bool { return s.host(t, id).State == pool.HostCordoned })

	// 1. By hand, so that it does not come back half done.
	request := func(action string) {
		s.send(t, "HostEventsQueueUrl", fmt.Sprintf(`{"version":"1","type":"HostRequest","hostId":%q,"action":%q,"requestedBy":"jo","reason":"it is restored"}`, id, action))
	}
	request("cordon")
	s.await(t, "it is cordoned by hand", func() bool { return s.host(t, id).ByHand != "" })
	// 2. What it was.
	lost, before := look(), s.host(t, id)
	// AWS's own tags can't be given.
	tags := slices.DeleteFunc(slices.Clone(lost.TagList), func(tag rdstypes.Tag) bool { return strings.HasPrefix(aws.ToString(tag.Key), "aws:") })
	var groups []string
	for _, g := range lost.VpcSecurityGroups {
		groups = append(groups, *g.VpcSecurityGroupId)
	}
	// 3. The name is made free; the backups stay.
	_, err := client.DeleteDBInstance(t.Context(), &rds.DeleteDBInstanceInput{DBInstanceIdentifier: &name, SkipFinalSnapshot: aws.Bool(true), DeleteAutomatedBackups: aws.Bool(false)})
	must(t, err)
	s.await(t, "the lost instance is gone", func() bool { return status() == "gone" })
	kept, err := client.DescribeDBInstanceAutomatedBackups(t.Context(), &rds.DescribeDBInstanceAutomatedBackupsInput{DbiResourceId: lost.DbiResourceId})
	must(t, err)
	// 4. Under the same name, with what it had.
	_, err = client.RestoreDBInstanceToPointInTime(t.Context(), &rds.RestoreDBInstanceToPointInTimeInput{
		SourceDBInstanceAutomatedBackupsArn: kept.DBInstanceAutomatedBackups[0].DBInstanceAutomatedBackupsArn, TargetDBInstanceIdentifier: &name,
		UseLatestRestorableTime: aws.Bool(true), DBInstanceClass: lost.DBInstanceClass, DBSubnetGroupName: lost.DBSubnetGroup.DBSubnetGroupName,
		DBParameterGroupName: lost.DBParameterGroups[0].DBParameterGroupName, VpcSecurityGroupIds: groups, PubliclyAccessible: aws.Bool(false),
		DeletionProtection: lost.DeletionProtection, Tags: tags, EnableCloudwatchLogsExports: []string{"postgresql", "upgrade"},
	})
	must(t, err)
	s.await(t, "it is restored", func() bool { return status() == "available" })
	// 5. A master password that RDS keeps.
	_, err = client.ModifyDBInstance(t.Context(), &rds.ModifyDBInstanceInput{
		DBInstanceIdentifier: &name, ManageMasterUserPassword: aws.Bool(true), MasterUserSecretKmsKeyId: lost.MasterUserSecret.KmsKeyId, ApplyImmediately: aws.Bool(true),
	})
	must(t, err)
	var secret string
	s.await(t, "it has a secret", func() bool {
		i := look()
		if i != nil && i.MasterUserSecret != nil && aws.ToString(i.DBInstanceStatus) == "available" {
			secret = aws.ToString(i.MasterUserSecret.SecretArn)
		}
		return secret != ""
	})
	if secret == before.Access.MasterSecret {
		t.Errorf("its master secret is as before")
	}
	// 6. By the books.
	_, err = dynamodb.NewFromConfig(s.AWS()).UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName:        aws.String(s.output(t, "TableName")),
		Key:              map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "HOST#" + string(id)}, "sk": &types.AttributeValueMemberS{Value: "HOST"}},
		UpdateExpression: aws.String("SET #a.#m = :secret ADD version :one"), ConditionExpression: aws.String("#a.#m = :old"),
		ExpressionAttributeNames: map[string]string{"#a": "access", "#m": "m"},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":secret": &types.AttributeValueMemberS{Value: secret}, ":old": &types.AttributeValueMemberS{Value: before.Access.MasterSecret}, ":one": &types.AttributeValueMemberN{Value: "1"},
		},
	})
	must(t, err)
	// 7. Into service again.
	request("uncordon")
	s.awaitFor(t, mendPatience, "the host is in service again", func() bool { return s.host(t, id).State == pool.HostInService })

	execute("INSERT INTO app.kept VALUES ('another')") // at the same endpoint, by the same secret
	s.signUp(t, "late", "127.30.61.2")
	s.awaitReady(t, "late")
	if after := s.host(t, id); after.Access.Address != before.Access.Address || after.Access.Port != before.Access.Port || after.Access.MasterSecret != secret {
		t.Errorf("it was at %+v, and is at %+v", before.Access, after.Access)
	}
	if held := s.host(t, id).Slots; !slices.ContainsFunc(held, func(slot pool.Slot) bool { return slot.State != pool.SlotFree }) {
		t.Errorf("nobody has a slot of it: %+v", held)
	}
}
