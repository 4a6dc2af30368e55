package instances_test

import (
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/rds"

	"headroom/internal/adapter/instances"
	"headroom/internal/adapter/instances/instancestest"
	"headroom/internal/local/clock"
	"headroom/internal/local/endpoint/endpointtest"
	"headroom/internal/local/machine/postgresql"
	"headroom/internal/local/resource"
	localrds "headroom/internal/local/service/rds"
	localsecrets "headroom/internal/local/service/secretsmanager"
)

func TestTheLocalCloudRestoresAsRDSDoes(t *testing.T) {
	authority, err := postgresql.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.MkdirTemp("", "hr-rds-") // short, for sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(cache) })
	kept := localsecrets.New(localsecrets.Config{Account: endpointtest.Account, Region: endpointtest.Region, Lag: time.Nanosecond})
	service, err := localrds.New(localrds.Config{
		Account: endpointtest.Account, Region: endpointtest.Region, Authority: authority, Secrets: kept, CacheDir: cache, LogDir: t.TempDir(),
		Lead: 100 * time.Millisecond, Clock: clock.New(100), ShipEvery: 30 * time.Second, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err) // no PostgreSQL
	}
	t.Cleanup(func() {
		if err := service.Close(); err != nil {
			t.Error(err)
		}
	})
	make := func(kind, name string, properties map[string]any) {
		t.Helper()
		_, err := service.Create(t.Context(), resource.Resource{
			StackID: "arn:stack/" + name, StackName: name, LogicalID: kind, Type: "AWS::RDS::" + kind, Properties: properties,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	make("DBSubnetGroup", "source", map[string]any{"DBSubnetGroupName": "source", "DBSubnetGroupDescription": "x", "SubnetIds": []any{"subnet-1", "subnet-2"}})
	make("DBParameterGroup", "source", map[string]any{"DBParameterGroupName": "source", "Description": "x", "Family": "postgres15", "Parameters": map[string]any{}})
	for name, days := range map[string]string{"source": "7", "bare": "0"} {
		properties := map[string]any{
			"DBInstanceIdentifier": name, "Engine": "postgres", "EngineVersion": "15", "DBInstanceClass": "db.t4g.micro", "MasterUsername": "headroom",
			"ManageMasterUserPassword": "true", "AllocatedStorage": "20", "BackupRetentionPeriod": days, "DeletionProtection": "true",
		}
		if name == "source" {
			properties["DBSubnetGroupName"], properties["DBParameterGroupName"] = "source", "source"
		}
		make("DBInstance", name, properties)
	}
	w := instancestest.World{
		Client: rds.NewFromConfig(endpointtest.Serve(t, service.Service())), Source: "source", Bare: "bare", Pause: 20 * time.Millisecond,
	}
	r, err := instances.NewRestored(instances.RestoredConfig{Client: w.Client, Stage: "dev", Group: "sg-1", Key: "key"})
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(w.Pause) { // until it is backed up
		if window, err := r.Restorable(t.Context(), "source"); err == nil && window.Latest.Sub(window.Earliest) > time.Minute {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the source is not backed up")
		}
	}
	instancestest.Suite(t, w)
}
