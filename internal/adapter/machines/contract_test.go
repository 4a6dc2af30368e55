package machines_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"headroom/internal/adapter/machines/machinestest"
	"headroom/internal/local/endpoint"
	"headroom/internal/local/machine"
	"headroom/internal/local/resource"
	localec2 "headroom/internal/local/service/ec2"
)

func TestTheFakeAttachesAsEC2Does(t *testing.T) {
	machinestest.Suite(t, newFake(false))
}

func TestTheFakeRunsMachinesAsEC2Does(t *testing.T) {
	for name, stale := range map[string]bool{"seen at once": false, "seen late": true} {
		t.Run(name, func(t *testing.T) { machinestest.LifeSuite(t, newFake(stale)) })
	}
}

func newFake(stale bool) func(*testing.T) machinestest.World {
	return func(*testing.T) machinestest.World {
		return fakeWorld(&machinestest.Cloud{Late: 2, Stale: stale, Page: 3})
	}
}

func fakeWorld(cloud *machinestest.Cloud) machinestest.World {
	return machinestest.World{
		Client: cloud,
		Volume: func(_ *testing.T, zone string) string { return cloud.AddVolume(zone) },
		Machine: func(t *testing.T, zone string) string {
			id, err := cloud.Launch(machinestest.Spec{Zone: zone, Type: "m6i.xlarge", Image: "ami-1", Dies: true})
			if err != nil {
				t.Fatal(err)
			}
			cloud.Run(id)
			return id
		},
		Pending:   func(_ *testing.T, zone string) string { return cloud.AddMachine(zone, false) },
		Terminate: func(_ *testing.T, id string) { cloud.Terminate(id) },
		Fail:      func(_ *testing.T, id string) { cloud.Fail(id, machinestest.Fault{Reboot: true}) },
	}
}

func TestTheLocalCloudAttachesAsEC2Does(t *testing.T) {
	machinestest.Suite(t, localWorld)
}

func TestTheLocalCloudRunsMachinesAsEC2Does(t *testing.T) {
	machinestest.LifeSuite(t, localWorld)
}

func localWorld(t *testing.T) machinestest.World {
	l := newLocal(t)
	return machinestest.World{
		Client: l.client,
		Volume: func(t *testing.T, zone string) string {
			return l.make(t, "AWS::EC2::Volume", map[string]any{"AvailabilityZone": zone, "Size": 150})
		},
		Machine: func(t *testing.T, zone string) string {
			return l.make(t, "AWS::EC2::Instance", map[string]any{
				"AvailabilityZone": zone, "ImageId": "ami-1", "InstanceType": "m6i.xlarge", "BlockDeviceMappings": []any{
					map[string]any{"DeviceName": machinestest.RootDevice, "Ebs": map[string]any{"VolumeSize": 80}},
				},
			})
		},
		Pending:   l.pending,
		Terminate: l.terminate,
		Fail:      func(_ *testing.T, id string) { l.machines.fail(id) },
	}
}

// local is the local cloud's EC2, with machines that run nothing.
type local struct {
	cloud    *localec2.EC2
	client   *ec2.Client
	machines *bare
	made     int
	ids      map[string]resource.Resource
}

func newLocal(t *testing.T) *local {
	l := &local{ids: map[string]resource.Resource{}, machines: &bare{failed: map[string]bool{}}}
	l.cloud = localec2.New(localec2.Config{
		Account: "123456789012", Region: "eu-west-1", Machines: l.machines, Launch: time.Millisecond, Attach: 100 * time.Millisecond,
		Log: slog.New(slog.DiscardHandler),
	})
	router := endpoint.New(endpoint.Config{Account: "123456789012", Region: "eu-west-1", Log: slog.New(slog.DiscardHandler)})
	router.Handle(l.cloud.Service())
	server := httptest.NewServer(router)
	t.Cleanup(server.Close)
	l.client = ec2.New(ec2.Options{
		Region: "eu-west-1", BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIALOCAL", "secret", ""),
	})
	return l
}

// declare is a resource of a stack, each another one.
func (l *local) declare(kind string, properties map[string]any) resource.Resource {
	l.made++
	return resource.Resource{StackID: "stack", StackName: "host", LogicalID: fmt.Sprint("R", l.made), Type: kind, Properties: properties}
}

func (l *local) make(t *testing.T, kind string, properties map[string]any) string {
	t.Helper()
	r := l.declare(kind, properties)
	created, err := l.cloud.Create(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	r.PhysicalID = created.PhysicalID
	l.ids[r.PhysicalID] = r
	return r.PhysicalID
}

// pending makes an instance that starts for as long as the test runs.
func (l *local) pending(t *testing.T, zone string) string {
	t.Helper()
	r := l.declare("AWS::EC2::Instance", map[string]any{"AvailabilityZone": zone, "ImageId": starting})
	ended := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer close(ended)
		_, _ = l.cloud.Create(ctx, r)
	}()
	t.Cleanup(func() { cancel(); <-ended })
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		out, err := l.client.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{})
		if err != nil {
			t.Fatal(err)
		}
		for _, reservation := range out.Reservations {
			if i := reservation.Instances[0]; i.State.Name == types.InstanceStateNamePending {
				return *i.InstanceId
			}
		}
	}
	t.Fatal("no instance is pending")
	return ""
}

func (l *local) terminate(t *testing.T, id string) {
	t.Helper()
	if err := l.cloud.Delete(t.Context(), l.ids[id]); err != nil {
		t.Fatal(err)
	}
}

// starting is the image of a machine that never has started.
const starting = "ami-starting"

// bare runs nothing, and is well unless it is made to fail.
type bare struct {
	mu     sync.Mutex
	failed map[string]bool
}

func (b *bare) fail(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failed[id] = true
}

func (b *bare) Health(id string) machine.Health {
	b.mu.Lock()
	defer b.mu.Unlock()
	return machine.Health{System: true, Instance: !b.failed[id]}
}

// Start mends what failed.
func (b *bare) Start(ctx context.Context, m machine.Machine) error {
	if m.ImageID == starting {
		<-ctx.Done()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.failed, m.InstanceID)
	return ctx.Err()
}

func (*bare) Hold(netip.Addr) error                              { return nil }
func (*bare) Release(netip.Addr)                                 {}
func (*bare) Attach(context.Context, string, machine.Disk) error { return nil }
func (*bare) Detach(context.Context, string, string, bool) error { return nil }
func (*bare) Stop(context.Context, string) error                 { return nil }
func (*bare) Erase(string)                                       {}
