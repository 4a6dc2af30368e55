package storagegateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdkec2 "github.com/aws/aws-sdk-go-v2/service/ec2"
	sdk "github.com/aws/aws-sdk-go-v2/service/storagegateway"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway/types"
	"github.com/aws/smithy-go"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/machine/appliance"
	"headroom/internal/local/resource"
	"headroom/internal/local/service/ec2"
)

const (
	account  = "123456789012"
	region   = "eu-west-1"
	testPage = 18082
	testNFS  = 12051
)

// noObjects is a bucket that takes everything but what is denied, and shows nothing.
type noObjects struct{ denied *atomic.Bool }

func (o noObjects) Put(context.Context, appliance.Bucket, string, []byte) error {
	if o.denied.Load() {
		return errors.New("AccessDenied: Access Denied")
	}
	return nil
}
func (noObjects) Delete(context.Context, appliance.Bucket, string) error        { return nil }
func (noObjects) Keys(context.Context, appliance.Bucket) ([]string, error)      { return nil, nil }
func (noObjects) Get(context.Context, appliance.Bucket, string) ([]byte, error) { return nil, nil }

// event is one that the fake emitted.
type event struct {
	detailType string
	resources  []string
	detail     any
}

// world is a gateway's host and the real clients of the services about it.
type world struct {
	fake    *Gateway
	sgw     *sdk.Client
	ec2     *sdkec2.Client
	address netip.Addr
	group   string
	stop    func()
	fleet   *appliance.Fleet
	stack   func(id, kind string, properties map[string]any) resource.Created

	instance, cache string
	denied          atomic.Bool // nothing can be put into a bucket

	mu     sync.Mutex
	events []event
}

func newWorld(t *testing.T, network string) *world {
	t.Helper()
	w := &world{}
	log := slog.New(slog.DiscardHandler)
	fleet := appliance.NewFleet(appliance.Config{
		Dir: t.TempDir(), Objects: noObjects{&w.denied}, ActivationPort: testPage, NFSPort: testNFS,
		Boot: 60 * time.Millisecond, Reboot: 60 * time.Millisecond, Import: 60 * time.Millisecond, UploadDelay: 40 * time.Millisecond, Log: log,
	})
	machines := ec2.New(ec2.Config{
		Account: account, Region: region, Machines: fleet, Network: netip.MustParsePrefix(network),
		Launch: time.Millisecond, Attach: time.Millisecond, Propagation: 20 * time.Millisecond,
	})
	gateways := New(Config{
		Account: account, Region: region, Fleet: fleet, Log: log,
		Create: 80 * time.Millisecond, Update: 300 * time.Millisecond, Delete: 40 * time.Millisecond, Lag: 20 * time.Millisecond,
		Assume: func(role, gateway string) error {
			if strings.HasSuffix(role, "/untrusting") && strings.Contains(gateway, ":gateway/") {
				return errors.New("the role does not trust storagegateway.amazonaws.com")
			}
			return nil
		},
		Emit: func(_ context.Context, _, detailType string, resources []string, detail any) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.events = append(w.events, event{detailType, resources, detail})
		},
	})
	router := endpoint.New(endpoint.Config{Account: account, Region: region, Log: log})
	router.Handle(machines.Service())
	router.Handle(gateways.Service())
	server := httptest.NewServer(router)
	t.Cleanup(func() {
		server.Close()
		_ = gateways.Close()
		_ = fleet.Close()
	})

	cfg := aws.Config{
		Region: region, BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIALOCAL", "secret", ""),
	}
	w.fake = gateways
	w.sgw, w.ec2 = sdk.NewFromConfig(cfg), sdkec2.NewFromConfig(cfg)

	w.fleet = fleet
	stack := func(id, kind string, properties map[string]any) resource.Created {
		created, err := machines.Create(t.Context(), resource.Resource{
			StackID: "stack", StackName: "share-standard-1", LogicalID: id, Type: kind, Properties: properties,
		})
		if err != nil {
			t.Fatal(err)
		}
		return created
	}
	functions := stack("Functions", "AWS::EC2::SecurityGroup", map[string]any{"GroupDescription": "functions"}).PhysicalID
	w.group = stack("Group", "AWS::EC2::SecurityGroup", map[string]any{"GroupDescription": "gateway"}).PhysicalID
	stack("Activation", "AWS::EC2::SecurityGroupIngress", map[string]any{
		"GroupId": w.group, "IpProtocol": "tcp", "FromPort": "80", "ToPort": 80.0, "SourceSecurityGroupId": functions,
	})
	instance := stack("Machine", "AWS::EC2::Instance", map[string]any{
		"ImageId": "ami-1", "InstanceType": "m5.xlarge", "SecurityGroupIds": []any{w.group},
		"BlockDeviceMappings": []any{map[string]any{"DeviceName": "/dev/xvda", "Ebs": map[string]any{"VolumeSize": 80.0}}},
	})
	volume := stack("Cache", "AWS::EC2::Volume", map[string]any{"Size": "150", "AvailabilityZone": region + "a"})
	_, err := w.ec2.AttachVolume(t.Context(), &sdkec2.AttachVolumeInput{
		InstanceId: &instance.PhysicalID, VolumeId: &volume.PhysicalID, Device: aws.String("/dev/sdf"),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.stack, w.instance, w.cache = stack, instance.PhysicalID, volume.PhysicalID
	w.address = netip.MustParseAddr(instance.Attributes["PrivateIp"].(string))
	w.stop = func() {
		err := machines.Delete(context.Background(), resource.Resource{
			StackID: "stack", LogicalID: "Machine", Type: "AWS::EC2::Instance", PhysicalID: instance.PhysicalID,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func (w *world) server() netip.AddrPort { return netip.AddrPortFrom(w.address, testNFS) }

// key asks the appliance's page for an activation key.
func (w *world) key(t *testing.T) string {
	t.Helper()
	client := http.Client{Timeout: time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	var key string
	eventually(t, "the appliance gives a key", func() bool {
		response, err := client.Get(fmt.Sprintf("http://%s:%d/?activationRegion=%s", w.address, testPage, region))
		if err != nil {
			return false
		}
		defer func() { _ = response.Body.Close() }()
		location, err := url.Parse(response.Header.Get("Location"))
		key = location.Query().Get("activationKey")
		return err == nil && key != ""
	})
	return key
}

// activate makes the appliance a gateway that answers.
func (w *world) activate(t *testing.T) (gatewayARN string) {
	t.Helper()
	activated, err := w.sgw.ActivateGateway(t.Context(), &sdk.ActivateGatewayInput{
		ActivationKey: aws.String(w.key(t)), GatewayName: aws.String("share-standard-1"), GatewayRegion: aws.String(region),
		GatewayTimezone: aws.String("GMT"), GatewayType: aws.String("FILE_S3"),
		Tags: []types.Tag{{Key: aws.String("headroom:host"), Value: aws.String("share-standard-1")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.sgw.DescribeGatewayInformation(t.Context(), &sdk.DescribeGatewayInformationInput{GatewayARN: activated.GatewayARN})
	if inner(err) != "GatewayNotConnected" {
		t.Errorf("while it reboots: %v", err)
	}
	eventually(t, "the gateway is connected", func() bool {
		_, err := w.sgw.DescribeGatewayInformation(t.Context(), &sdk.DescribeGatewayInformationInput{GatewayARN: activated.GatewayARN})
		return err == nil
	})
	return *activated.GatewayARN
}

// cached gives a gateway its cache.
func (w *world) cached(t *testing.T) (gatewayARN string) {
	t.Helper()
	arn := w.activate(t)
	disks, err := w.sgw.ListLocalDisks(t.Context(), &sdk.ListLocalDisksInput{GatewayARN: &arn})
	if err != nil || len(disks.Disks) != 1 {
		t.Fatalf("disks %v: %v", disks, err)
	}
	_, err = w.sgw.AddCache(t.Context(), &sdk.AddCacheInput{GatewayARN: &arn, DiskIds: []string{*disks.Disks[0].DiskId}})
	if err != nil {
		t.Fatal(err)
	}
	return arn
}

func shareInput(gatewayARN, name string, clients ...string) *sdk.CreateNFSFileShareInput {
	return &sdk.CreateNFSFileShareInput{
		ClientToken: aws.String("token-" + name), GatewayARN: &gatewayARN, FileShareName: &name,
		LocationARN: aws.String("arn:aws:s3:::bucket-" + name), Role: aws.String("arn:aws:iam::" + account + ":role/" + name),
		EncryptionType: types.EncryptionTypeSseKms, KMSKey: aws.String("arn:aws:kms:eu-west-1:" + account + ":key/1"),
		ClientList: clients,
	}
}

// share makes a share and waits until it is available.
func (w *world) share(t *testing.T, gatewayARN, name string, clients ...string) (shareARN string) {
	t.Helper()
	created, err := w.sgw.CreateNFSFileShare(t.Context(), shareInput(gatewayARN, name, clients...))
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the share is available", func() bool { return w.describe(t, *created.FileShareARN).status() == "AVAILABLE" })
	return *created.FileShareARN
}

type described types.NFSFileShareInfo

func (d described) status() string { return aws.ToString(d.FileShareStatus) }

func (w *world) describe(t *testing.T, shareARN string) described {
	t.Helper()
	output, err := w.sgw.DescribeNFSFileShares(t.Context(), &sdk.DescribeNFSFileSharesInput{FileShareARNList: []string{shareARN}})
	if err != nil {
		t.Fatal(err)
	}
	return described(output.NFSFileShareInfoList[0])
}

// inner is the code inside an InvalidGatewayRequestException.
func inner(err error) string {
	var request *types.InvalidGatewayRequestException
	if errors.As(err, &request) && request.Error_ != nil {
		return string(request.Error_.ErrorCode)
	}
	return ""
}

// code is the code of any API error.
func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if is() {
			return
		}
	}
	t.Fatalf("not in time: %s", what)
}
