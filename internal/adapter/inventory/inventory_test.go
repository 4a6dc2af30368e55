package inventory_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	stacktypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	alarmtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	secrettypes "github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway"
	gatewaytypes "github.com/aws/aws-sdk-go-v2/service/storagegateway/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	looker "headroom/internal/adapter/inventory"
	"headroom/internal/pool/inventory"
)

// account answers each list a thing a page, and refuses what it is told to, by the name of the call.
type account struct {
	refuse map[string]error
	calls  map[string]int
}

var errDenied = &smithy.GenericAPIError{Code: "AccessDenied", Message: "not authorized"}

// next counts a call, and says which page it is for.
func (a *account) next(call string, marker *string) (page int, next *string, err error) {
	a.calls[call]++
	if err := a.refuse[call]; err != nil {
		return 0, nil, err
	}
	if aws.ToString(marker) == "" {
		return 0, aws.String("2"), nil
	}
	return 1, nil, nil
}

const gatewayARN = "arn:aws:storagegateway:eu-west-1:1:gateway/sgw-"

type stackAPI struct{ *account }

func (a stackAPI) ListStacks(_ context.Context, in *cloudformation.ListStacksInput, _ ...func(*cloudformation.Options)) (*cloudformation.ListStacksOutput, error) {
	page, next, err := a.next("ListStacks", in.NextToken)
	if err != nil || slices.Contains(in.StackStatusFilter, stacktypes.StackStatusDeleteComplete) {
		return nil, errors.Join(err, errors.New("or those that are gone"))
	}
	names := []string{"somebody-elses", "headroom-dev-share-standard-1"}
	return &cloudformation.ListStacksOutput{NextToken: next, StackSummaries: []stacktypes.StackSummary{{StackName: &names[page]}}}, nil
}

func (a stackAPI) DescribeStacks(_ context.Context, in *cloudformation.DescribeStacksInput, _ ...func(*cloudformation.Options)) (*cloudformation.DescribeStacksOutput, error) {
	return &cloudformation.DescribeStacksOutput{Stacks: []stacktypes.Stack{{
		StackName: in.StackName, StackStatus: "CREATE_COMPLETE", Tags: []stacktypes.Tag{{Key: aws.String("headroom:order"), Value: aws.String("m")}},
		Outputs: []stacktypes.Output{{OutputKey: aws.String("MachineId"), OutputValue: aws.String("i-1")}},
	}}}, nil
}

type rdsAPI struct{ *account }

func (a rdsAPI) DescribeDBInstances(_ context.Context, in *rds.DescribeDBInstancesInput, _ ...func(*rds.Options)) (*rds.DescribeDBInstancesOutput, error) {
	page, next, err := a.next("DescribeDBInstances", in.Marker)
	if err != nil {
		return nil, err
	}
	names := []string{"somebody-elses", "headroom-dev-database-standard-1"}
	return &rds.DescribeDBInstancesOutput{Marker: next, DBInstances: []rdstypes.DBInstance{{
		DBInstanceIdentifier: &names[page], PubliclyAccessible: aws.Bool(true), CertificateDetails: &rdstypes.CertificateDetails{ValidTill: aws.Time(time.Unix(9, 0))},
	}}}, nil
}

type ec2API struct{ *account }

func (a ec2API) DescribeInstances(_ context.Context, in *ec2.DescribeInstancesInput, _ ...func(*ec2.Options)) (*ec2.DescribeInstancesOutput, error) {
	page, next, err := a.next("DescribeInstances", in.NextToken)
	states := []types.InstanceStateName{types.InstanceStateNameTerminated, types.InstanceStateNameRunning}
	return &ec2.DescribeInstancesOutput{NextToken: next, Reservations: []types.Reservation{{Instances: []types.Instance{{
		InstanceId: aws.String(fmt.Sprint("i-", page)), State: &types.InstanceState{Name: states[page]},
	}}}}}, err
}

func (a ec2API) DescribeVolumes(_ context.Context, in *ec2.DescribeVolumesInput, _ ...func(*ec2.Options)) (*ec2.DescribeVolumesOutput, error) {
	page, next, err := a.next("DescribeVolumes", in.NextToken)
	return &ec2.DescribeVolumesOutput{NextToken: next, Volumes: []types.Volume{{VolumeId: aws.String(fmt.Sprint("vol-", page))}}}, err
}

func (a ec2API) DescribeSecurityGroups(_ context.Context, in *ec2.DescribeSecurityGroupsInput, _ ...func(*ec2.Options)) (*ec2.DescribeSecurityGroupsOutput, error) {
	page, next, err := a.next("DescribeSecurityGroups", in.NextToken)
	hosts := []string{"", "share-standard-1"}
	return &ec2.DescribeSecurityGroupsOutput{NextToken: next, SecurityGroups: []types.SecurityGroup{{
		GroupId: aws.String(fmt.Sprint("sg-", page)), Tags: []types.Tag{{Key: aws.String("headroom:host"), Value: &hosts[page]}},
	}}}, err
}

func (a ec2API) DescribeSecurityGroupRules(_ context.Context, in *ec2.DescribeSecurityGroupRulesInput, _ ...func(*ec2.Options)) (*ec2.DescribeSecurityGroupRulesOutput, error) {
	page, next, err := a.next("DescribeSecurityGroupRules", in.NextToken)
	rule := func(port int32, network string) types.SecurityGroupRule {
		return types.SecurityGroupRule{GroupId: aws.String("sg-1"), FromPort: &port, ToPort: &port, CidrIpv4: &network}
	}
	pages := [][]types.SecurityGroupRule{{rule(80, "10.0.0.1/32"), rule(2049, "10.0.0.2/32")}, {{GroupId: aws.String("sg-1"), FromPort: aws.Int32(-1), ToPort: aws.Int32(-1), CidrIpv4: aws.String("10.0.0.3/32")}}}
	return &ec2.DescribeSecurityGroupRulesOutput{NextToken: next, SecurityGroupRules: pages[page]}, err
}

type gatewayAPI struct{ *account }

func (a gatewayAPI) ListGateways(_ context.Context, in *storagegateway.ListGatewaysInput, _ ...func(*storagegateway.Options)) (*storagegateway.ListGatewaysOutput, error) {
	page, next, err := a.next("ListGateways", in.Marker)
	return &storagegateway.ListGatewaysOutput{Marker: next, Gateways: []gatewaytypes.GatewayInfo{{
		GatewayARN: aws.String(fmt.Sprint(gatewayARN, page)), GatewayName: aws.String("headroom-dev-share-standard-1"),
	}}}, err
}

func (a gatewayAPI) ListTagsForResource(_ context.Context, in *storagegateway.ListTagsForResourceInput, _ ...func(*storagegateway.Options)) (*storagegateway.ListTagsForResourceOutput, error) {
	return &storagegateway.ListTagsForResourceOutput{Tags: []gatewaytypes.Tag{{Key: aws.String("headroom:stage"), Value: aws.String("dev")}}}, nil
}

// DescribeGatewayInformation: the appliance of the first is away.
func (a gatewayAPI) DescribeGatewayInformation(_ context.Context, in *storagegateway.DescribeGatewayInformationInput, _ ...func(*storagegateway.Options)) (*storagegateway.DescribeGatewayInformationOutput, error) {
	if *in.GatewayARN == gatewayARN+"0" {
		return nil, &gatewaytypes.InvalidGatewayRequestException{Error_: &gatewaytypes.StorageGatewayError{ErrorCode: gatewaytypes.ErrorCodeGatewayNotConnected}}
	}
	return &storagegateway.DescribeGatewayInformationOutput{DeprecationDate: aws.String("2026-06-30")}, nil
}

func (a gatewayAPI) ListFileShares(_ context.Context, in *storagegateway.ListFileSharesInput, _ ...func(*storagegateway.Options)) (*storagegateway.ListFileSharesOutput, error) {
	if err := a.refuse["ListFileShares"]; err != nil {
		return nil, err
	}
	if *in.GatewayARN == gatewayARN+"0" {
		return nil, &gatewaytypes.InvalidGatewayRequestException{Error_: &gatewaytypes.StorageGatewayError{ErrorCode: gatewaytypes.ErrorCodeGatewayNotConnected}}
	}
	out := &storagegateway.ListFileSharesOutput{}
	for n := range 12 {
		out.FileShareInfoList = append(out.FileShareInfoList, gatewaytypes.FileShareInfo{FileShareARN: aws.String(fmt.Sprint("share-", n))})
	}
	return out, nil
}

// DescribeNFSFileShares: the last was deleted since it was listed.
func (a gatewayAPI) DescribeNFSFileShares(_ context.Context, in *storagegateway.DescribeNFSFileSharesInput, _ ...func(*storagegateway.Options)) (*storagegateway.DescribeNFSFileSharesOutput, error) {
	if len(in.FileShareARNList) > 10 {
		return nil, errors.New("more than ten")
	}
	out := &storagegateway.DescribeNFSFileSharesOutput{}
	for _, arn := range in.FileShareARNList {
		if arn == "share-11" {
			return nil, &gatewaytypes.InvalidGatewayRequestException{Message: aws.String("The specified file share was not found.")}
		}
		out.NFSFileShareInfoList = append(out.NFSFileShareInfoList, gatewaytypes.NFSFileShareInfo{FileShareId: aws.String(arn)})
	}
	return out, nil
}

type bucketAPI struct{ *account }

func (a bucketAPI) ListBuckets(_ context.Context, in *s3.ListBucketsInput, _ ...func(*s3.Options)) (*s3.ListBucketsOutput, error) {
	page, next, err := a.next("ListBuckets", in.ContinuationToken)
	names := [][]string{{"somebody-elses", "headroom-dev-share-1"}, {"headroom-dev-share-2", "headroom-dev-share-3", "headroom-dev-archive"}}
	out := &s3.ListBucketsOutput{ContinuationToken: next}
	for _, name := range names[page] {
		out.Buckets = append(out.Buckets, s3types.Bucket{Name: &name})
	}
	return out, err
}

func (a bucketAPI) GetBucketTagging(_ context.Context, in *s3.GetBucketTaggingInput, _ ...func(*s3.Options)) (*s3.GetBucketTaggingOutput, error) {
	switch *in.Bucket {
	case "headroom-dev-share-2":
		return nil, &smithy.GenericAPIError{Code: "NoSuchTagSet"}
	case "headroom-dev-share-3":
		return nil, &smithy.GenericAPIError{Code: "NoSuchBucket"}
	}
	return &s3.GetBucketTaggingOutput{TagSet: []s3types.Tag{{Key: aws.String("headroom:slot"), Value: aws.String("mark")}}}, nil
}

type secretAPI struct{ *account }

func (a secretAPI) ListSecrets(_ context.Context, in *secretsmanager.ListSecretsInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.ListSecretsOutput, error) {
	page, next, err := a.next("ListSecrets", in.NextToken)
	names := []string{"a-headroom/dev/tenant/x/m", "headroom/dev/tenant/acme/m"}
	return &secretsmanager.ListSecretsOutput{NextToken: next, SecretList: []secrettypes.SecretListEntry{{Name: &names[page]}}}, err
}

type alarmAPI struct{ *account }

func (a alarmAPI) DescribeAlarms(_ context.Context, in *cloudwatch.DescribeAlarmsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error) {
	page, next, err := a.next("DescribeAlarms", in.NextToken)
	return &cloudwatch.DescribeAlarmsOutput{NextToken: next, MetricAlarms: []alarmtypes.MetricAlarm{{AlarmName: aws.String(fmt.Sprint("alarm-", page))}}}, err
}

func look(t *testing.T, refuse map[string]error) inventory.Seen {
	t.Helper()
	a := &account{refuse, map[string]int{}}
	l := looker.Looker{
		Stage: "dev", Stacks: stackAPI{a}, Instances: rdsAPI{a}, Machines: ec2API{a}, Gateways: gatewayAPI{a}, Buckets: bucketAPI{a}, Secrets: secretAPI{a}, Alarms: alarmAPI{a},
		Now: func() time.Time { return time.Unix(1, 0) },
	}
	seen, err := l.Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

func TestAllPagesAreReadAndOnlyTheStagesOwnIsSeen(t *testing.T) {
	seen := look(t, nil)
	var shares, buckets []string
	for _, s := range seen.Shares {
		shares = append(shares, s.ID)
	}
	for _, b := range seen.Buckets {
		buckets = append(buckets, b.Name+"="+b.Slot)
	}
	if len(shares) != 11 || shares[10] != "share-10" {
		t.Errorf("shares %q", shares)
	}
	if diff := cmp.Diff([]string{"headroom-dev-share-1=mark", "headroom-dev-share-2="}, buckets); diff != "" {
		t.Error(diff)
	}
	if len(seen.Stacks) != 1 || seen.Stacks[0].Outputs["MachineId"] != "i-1" || seen.Stacks[0].Marks.Order != "m" {
		t.Errorf("stacks %+v", seen.Stacks)
	}
	if len(seen.Instances) != 1 || !seen.Instances[0].Public || seen.Instances[0].Certificate.Unix() != 9 {
		t.Errorf("instances %+v", seen.Instances)
	}
	if len(seen.Machines) != 1 || seen.Machines[0].ID != "i-1" || len(seen.Volumes) != 2 || len(seen.Alarms) != 2 || len(seen.Secrets) != 1 {
		t.Errorf("machines %+v, volumes %+v, alarms %v, secrets %+v", seen.Machines, seen.Volumes, seen.Alarms, seen.Secrets)
	}
	if len(seen.Groups) != 1 || !slices.Equal(seen.Groups[0].Lets, []string{"10.0.0.2/32", "10.0.0.3/32"}) {
		t.Errorf("groups %+v", seen.Groups)
	}
}

// A gateway whose appliance is away is there all the same; its shares are not known, and those of the others are.
func TestAGatewayThatIsAwayHidesItsOwnSharesOnly(t *testing.T) {
	seen := look(t, nil)
	if len(seen.Gateways) != 2 || !seen.Gateways[0].Deprecated.IsZero() || seen.Gateways[1].Deprecated.Format(time.DateOnly) != "2026-06-30" {
		t.Errorf("gateways %+v", seen.Gateways)
	}
	for _, want := range []inventory.Sort{inventory.Gateways, inventory.Shares} {
		if !slices.ContainsFunc(seen.Unseen, func(u inventory.Unseen) bool { return u.Sort == want && u.Of == gatewayARN+"0" }) {
			t.Errorf("%s: unseen %+v", want, seen.Unseen)
		}
	}
}

func TestWhatMayNotBeLookedAtIsUnseenAndNothingElse(t *testing.T) {
	calls := map[string][]inventory.Sort{
		"ListStacks": {inventory.Stacks}, "DescribeDBInstances": {inventory.Instances}, "DescribeInstances": {inventory.Machines}, "DescribeVolumes": {inventory.Volumes},
		"DescribeSecurityGroups": {inventory.Groups}, "DescribeSecurityGroupRules": {inventory.Groups}, "ListGateways": {inventory.Gateways, inventory.Shares},
		"ListFileShares": {inventory.Shares}, "ListBuckets": {inventory.Buckets}, "ListSecrets": {inventory.Secrets}, "DescribeAlarms": {inventory.Alarms},
	}
	for call, sorts := range calls {
		var got []inventory.Sort
		for _, u := range look(t, map[string]error{call: errDenied}).Unseen {
			if u.Of == "" {
				got = append(got, u.Sort)
				if u.Sort == sorts[0] && (!u.Denied || u.Why != "AccessDenied: not authorized") {
					t.Errorf("%s: %+v", call, u)
				}
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, sorts) {
			t.Errorf("without %s %v is unseen, want %v", call, got, sorts)
		}
	}
}
