package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway"

	"headroom/internal/adapter/gateway"
	"headroom/internal/adapter/gateway/gatewaytest"
	"headroom/internal/local/endpoint/endpointtest"
	"headroom/internal/local/machine/appliance"
	"headroom/internal/local/nfsclient"
	"headroom/internal/local/resource"
	localec2 "headroom/internal/local/service/ec2"
	localgateway "headroom/internal/local/service/storagegateway"
)

func TestTheFakeServesAsStorageGatewayDoes(t *testing.T) {
	gatewaytest.Suite(t, func(t *testing.T) gatewaytest.World {
		fake := &gatewaytest.Service{Keys: map[string]bool{"KEY": true}, Missing: map[string]bool{
			gatewaytest.MissingRole: true, gatewaytest.MissingBucket: true,
		}}
		written := map[string]string{}
		fake.Put = func(bucket, key string, content []byte) error { written[bucket+"/"+key] = string(content); return nil }
		g := &gateway.Gateways{Client: fake, Region: endpointtest.Region}
		arn, err := g.Activate(t.Context(), "KEY", "share-standard-1", nil)
		if err == nil {
			err = g.AddCache(t.Context(), arn)
		}
		if err != nil {
			t.Fatal(err)
		}
		return gatewaytest.World{
			Client: fake, Gateway: arn, Instance: "192.0.2.7",
			Write:  func(_ *testing.T, share string) { fake.Write(share, "file") },
			Object: func(bucket, key string) string { return written[bucket+"/"+key] },
			Hold:   fake.Hold, Away: func(away bool) { fake.Away(arn, away) }, Events: fake.Take,
		}
	})
}

// activationPort is where the local appliances of this package's tests have their page.
const activationPort = 18083

func TestTheLocalCloudServesAsStorageGatewayDoes(t *testing.T) {
	made := 0
	gatewaytest.Suite(t, func(t *testing.T) gatewaytest.World {
		made++
		return newLocal(t, netip.MustParsePrefix(fmt.Sprintf("127.83.%d.0/24", made))).world(t)
	})
}

// nfsPort is where the local appliances of this package's tests serve.
const nfsPort = 12052

// local is a local Storage Gateway, on an appliance that really serves.
type local struct {
	client   *storagegateway.Client
	ec2      *ec2.Client
	machines *localec2.EC2
	device   *appliance.Appliance
	buckets  *buckets
	arn      string
	instance string
	group    string
	cache    string // volume

	mu     sync.Mutex
	events [][]byte
}

func newLocal(t *testing.T, network netip.Prefix) *local {
	t.Helper()
	l := &local{buckets: &buckets{}}
	fleet := appliance.NewFleet(appliance.Config{
		Dir: t.TempDir(), Objects: l.buckets, ActivationPort: activationPort, NFSPort: nfsPort, UploadDelay: 10 * time.Millisecond,
		Boot: time.Millisecond, Reboot: time.Millisecond, Log: slog.New(slog.DiscardHandler),
	})
	t.Cleanup(func() { _ = fleet.Close() })
	machines := localec2.New(localec2.Config{
		Account: endpointtest.Account, Region: endpointtest.Region, Machines: fleet, Launch: time.Millisecond, Attach: time.Millisecond,
		Propagation: time.Millisecond, Network: network,
	})
	gateways := localgateway.New(localgateway.Config{
		Account: endpointtest.Account, Region: endpointtest.Region, Fleet: fleet, Log: slog.New(slog.DiscardHandler),
		Create: 5 * time.Millisecond, Update: 5 * time.Millisecond, Delete: 5 * time.Millisecond, Report: 20 * time.Millisecond, Lag: time.Millisecond, Emit: l.emit,
		Assume: func(role, _ string) error {
			if role == gatewaytest.MissingRole {
				return errors.New("there is no such role")
			}
			return nil
		},
	})
	t.Cleanup(func() { _ = gateways.Close() })
	cfg := endpointtest.Serve(t, machines.Service(), gateways.Service())
	l.client, l.ec2, l.machines = storagegateway.NewFromConfig(cfg), ec2.NewFromConfig(cfg), machines
	address := l.launch(t)
	l.arn = activate(t, l.client, address)
	l.device, _ = fleet.ByInstance(l.instance)
	return l
}

// emit keeps an event as a queue behind a rule would get it.
func (l *local) emit(_ context.Context, source, detailType string, resources []string, detail any) {
	body, _ := json.Marshal(map[string]any{"source": source, "detail-type": detailType, "resources": resources, "detail": detail})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, body)
}

func (l *local) world(t *testing.T) gatewaytest.World {
	t.Helper()
	instance := netip.MustParseAddr("127.83.255.1")
	return gatewaytest.World{
		Client: l.client, Gateway: l.arn, Instance: instance.String(),
		Write: func(t *testing.T, share string) {
			t.Helper()
			out, err := l.client.DescribeNFSFileShares(t.Context(), &storagegateway.DescribeNFSFileSharesInput{FileShareARNList: []string{share}})
			if err != nil {
				t.Fatal(err)
			}
			client, err := nfsclient.Dial(t.Context(), netip.AddrPortFrom(l.device.Address(), nfsPort), instance, *out.NFSFileShareInfoList[0].Path)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = client.Close() }()
			if err := client.WriteFile(t.Context(), "file", []byte("written")); err != nil {
				t.Fatal(err)
			}
		},
		Hold: func(_ string, held bool) { l.buckets.denied.Store(held) }, Away: l.device.Cut,
		Object: func(bucket, key string) string {
			content, _ := l.buckets.reports.Load(bucket + "/" + key)
			report, _ := content.(string)
			return report
		},
		Events: func() [][]byte {
			l.mu.Lock()
			defer l.mu.Unlock()
			return slices.Clone(l.events)
		},
	}
}

// stack makes a resource of a stack.
func (l *local) stack(t *testing.T, id, kind string, properties map[string]any) resource.Created {
	t.Helper()
	created, err := l.machines.Create(t.Context(), resource.Resource{StackID: "stack", StackName: "host", LogicalID: id, Type: "AWS::EC2::" + kind, Properties: properties})
	if err != nil {
		t.Fatal(err)
	}
	return created
}

// launch starts an appliance with a cache disk, which everybody may ask for its key and mount.
func (l *local) launch(t *testing.T) (address string) {
	t.Helper()
	l.group = l.stack(t, "Group", "SecurityGroup", map[string]any{"GroupDescription": "gateway"}).PhysicalID
	for name, port := range map[string]int{"Activation": 80, "NFS": 2049} {
		l.stack(t, name, "SecurityGroupIngress", map[string]any{"GroupId": l.group, "IpProtocol": "tcp", "FromPort": port, "ToPort": port, "CidrIp": "127.0.0.0/8"})
	}
	machine := l.stack(t, "Machine", "Instance", map[string]any{"SecurityGroupIds": []any{l.group}})
	l.instance = machine.PhysicalID
	l.cache = l.stack(t, "Cache", "Volume", map[string]any{"Size": 150, "AvailabilityZone": endpointtest.Region + "a"}).PhysicalID
	_, err := l.ec2.AttachVolume(t.Context(), &ec2.AttachVolumeInput{InstanceId: &l.instance, VolumeId: &l.cache, Device: aws.String("/dev/sdf")})
	if err != nil {
		t.Fatal(err)
	}
	return machine.Attributes["PrivateIp"].(string)
}

// throughEndpoint is the VPC endpoint that the gateway is activated through.
const throughEndpoint = "vpce-1.storagegateway.eu-west-1.vpce.amazonaws.com"

// activate makes a gateway with a cache of an appliance, by the adapter itself.
func activate(t *testing.T, client *storagegateway.Client, address string) (arn string) {
	t.Helper()
	g := &gateway.Gateways{Client: client, Region: endpointtest.Region}
	appliances := &gateway.Appliances{Region: endpointtest.Region, Port: activationPort, Endpoint: throughEndpoint}
	var key string
	for _, step := range []func() error{
		func() (err error) { key, err = appliances.Key(t.Context(), address); return err },
		func() (err error) { arn, err = g.Activate(t.Context(), key, "share-standard-1", nil); return err },
		func() error { return g.Running(t.Context(), arn) },
		func() error { return g.AddCache(t.Context(), arn) },
	} {
		err := step()
		for end := time.Now().Add(10 * time.Second); err != nil && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			err = step()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	out, err := client.DescribeGatewayInformation(t.Context(), &storagegateway.DescribeGatewayInformationInput{GatewayARN: &arn})
	if err != nil || aws.ToString(out.VPCEndpoint) != throughEndpoint {
		t.Errorf("activated through an endpoint: %+v, %v", out, err)
	}
	return arn
}

// buckets take everything, unless shares are denied it, and show nothing; one is not there.
type buckets struct {
	denied  atomic.Bool
	reports sync.Map // content, by bucket and key
}

func (b *buckets) Put(_ context.Context, bucket appliance.Bucket, key string, body []byte) error {
	if bucket.Name == "bucket-of-reports" {
		b.reports.Store(bucket.Name+"/"+key, string(body))
		return nil
	}
	if b.denied.Load() {
		return errors.New("AccessDenied: Access Denied")
	}
	return nil
}
func (*buckets) Delete(context.Context, appliance.Bucket, string) error { return nil }
func (*buckets) Keys(_ context.Context, b appliance.Bucket) ([]string, error) {
	if "arn:aws:s3:::"+b.Name == gatewaytest.MissingBucket {
		return nil, errors.New("NoSuchBucket: The specified bucket does not exist")
	}
	return nil, nil
}
func (*buckets) Get(context.Context, appliance.Bucket, string) ([]byte, error) { return nil, nil }
