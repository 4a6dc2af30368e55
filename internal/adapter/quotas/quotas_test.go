package quotas

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	stacktypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	alarmtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"headroom/internal/adapter/quotas/quotastest"
	"headroom/internal/pool"
)

// region is what an account has in its region; each answer has one thing, and says that there is more. What is in denied is.
type region struct {
	stacks    []stacktypes.StackSummary
	machines  []types.Instance
	storage   []int32
	nics      int
	groups    int
	alarms    []bool // whether each is composite
	ofRDS     map[string]int64
	ofIAM     map[string]int32
	denied    []string
	forgotten bool // RDS and IAM leave out what they count
}

func (r *region) may(operation string) error {
	if slices.Contains(r.denied, operation) {
		return &smithy.GenericAPIError{Code: "AccessDenied", Message: "not authorized to perform: " + operation}
	}
	return nil
}

// page is which of n things an answer has, and the token for the next.
func page(token *string, n int) (at int, next *string) {
	at = len(aws.ToString(token))
	if at+1 < n {
		next = aws.String(strings.Repeat("x", at+1))
	}
	return at, next
}

func (r *region) ListStacks(_ context.Context, in *cloudformation.ListStacksInput, _ ...func(*cloudformation.Options)) (*cloudformation.ListStacksOutput, error) {
	var there []stacktypes.StackSummary
	for _, s := range r.stacks {
		if slices.Contains(in.StackStatusFilter, s.StackStatus) {
			there = append(there, s)
		}
	}
	at, next := page(in.NextToken, len(there))
	out := &cloudformation.ListStacksOutput{NextToken: next}
	if at < len(there) {
		out.StackSummaries = there[at : at+1]
	}
	return out, r.may("ListStacks")
}

func (r *region) DescribeInstances(_ context.Context, in *ec2.DescribeInstancesInput, _ ...func(*ec2.Options)) (*ec2.DescribeInstancesOutput, error) {
	at, next := page(in.NextToken, len(r.machines))
	out := &ec2.DescribeInstancesOutput{NextToken: next}
	if m := r.machines[at]; slices.Contains(in.Filters[0].Values, string(m.State.Name)) {
		out.Reservations = []types.Reservation{{Instances: []types.Instance{m}}}
	}
	return out, r.may("DescribeInstances")
}

func (r *region) DescribeVolumes(_ context.Context, in *ec2.DescribeVolumesInput, _ ...func(*ec2.Options)) (*ec2.DescribeVolumesOutput, error) {
	at, next := page(in.NextToken, len(r.storage))
	return &ec2.DescribeVolumesOutput{NextToken: next, Volumes: []types.Volume{{Size: &r.storage[at]}}}, r.may("DescribeVolumes")
}

func (r *region) DescribeNetworkInterfaces(_ context.Context, in *ec2.DescribeNetworkInterfacesInput, _ ...func(*ec2.Options)) (*ec2.DescribeNetworkInterfacesOutput, error) {
	_, next := page(in.NextToken, r.nics)
	return &ec2.DescribeNetworkInterfacesOutput{NextToken: next, NetworkInterfaces: make([]types.NetworkInterface, 1)}, r.may("DescribeNetworkInterfaces")
}

func (r *region) DescribeSecurityGroups(_ context.Context, in *ec2.DescribeSecurityGroupsInput, _ ...func(*ec2.Options)) (*ec2.DescribeSecurityGroupsOutput, error) {
	_, next := page(in.NextToken, r.groups)
	return &ec2.DescribeSecurityGroupsOutput{NextToken: next, SecurityGroups: make([]types.SecurityGroup, 1)}, r.may("DescribeSecurityGroups")
}

func (r *region) DescribeAlarms(_ context.Context, in *cloudwatch.DescribeAlarmsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error) {
	at, next := page(in.NextToken, len(r.alarms))
	out := &cloudwatch.DescribeAlarmsOutput{NextToken: next}
	if r.alarms[at] && slices.Contains(in.AlarmTypes, alarmtypes.AlarmTypeCompositeAlarm) {
		out.CompositeAlarms = make([]alarmtypes.CompositeAlarm, 1)
	} else if !r.alarms[at] {
		out.MetricAlarms = make([]alarmtypes.MetricAlarm, 1)
	}
	return out, r.may("DescribeAlarms")
}

func (r *region) DescribeAccountAttributes(context.Context, *rds.DescribeAccountAttributesInput, ...func(*rds.Options)) (*rds.DescribeAccountAttributesOutput, error) {
	out := &rds.DescribeAccountAttributesOutput{}
	for name, used := range r.ofRDS {
		if !r.forgotten {
			out.AccountQuotas = append(out.AccountQuotas, rdstypes.AccountQuota{AccountQuotaName: &name, Used: &used})
		}
	}
	return out, r.may("DescribeAccountAttributes")
}

func (r *region) GetAccountSummary(context.Context, *iam.GetAccountSummaryInput, ...func(*iam.Options)) (*iam.GetAccountSummaryOutput, error) {
	if r.forgotten {
		return &iam.GetAccountSummaryOutput{}, nil
	}
	return &iam.GetAccountSummaryOutput{SummaryMap: r.ofIAM}, r.may("GetAccountSummary")
}

func machine(kind string, state types.InstanceStateName, lifecycle types.InstanceLifecycleType) types.Instance {
	return types.Instance{
		InstanceType: types.InstanceType(kind), State: &types.InstanceState{Name: state}, InstanceLifecycle: lifecycle,
		CpuOptions: &types.CpuOptions{CoreCount: aws.Int32(2), ThreadsPerCore: aws.Int32(2)},
	}
}

func stack(name string, status stacktypes.StackStatus) stacktypes.StackSummary {
	return stacktypes.StackSummary{StackName: &name, StackStatus: status}
}

func newRegion() *region {
	return &region{
		stacks: []stacktypes.StackSummary{
			stack("headroom-dev", stacktypes.StackStatusUpdateComplete), stack("headroom-dev-database-standard-1", stacktypes.StackStatusCreateComplete),
			stack("headroom-dev-share-standard-1", stacktypes.StackStatusUpdateInProgress), stack("headroom-dev-share-gold-2", stacktypes.StackStatusUpdateRollbackComplete),
			stack("headroom-dev-share-standard-3", stacktypes.StackStatusCreateInProgress), stack("headroom-dev-share-standard-4", stacktypes.StackStatusDeleteFailed),
			stack("headroom-dev-share-standard-5", stacktypes.StackStatusDeleteComplete), stack("headroom-dev-share-standard-6", stacktypes.StackStatusRollbackComplete),
			stack("headroom-prod-share-standard-1", stacktypes.StackStatusCreateComplete), stack("other", stacktypes.StackStatusCreateComplete),
		},
		machines: []types.Instance{
			machine("m5.xlarge", types.InstanceStateNameRunning, ""), machine("im4gn.xlarge", types.InstanceStateNamePending, ""), machine("t4g.micro", types.InstanceStateNameRunning, ""),
			machine("m5.xlarge", types.InstanceStateNameStopped, ""), machine("m5.xlarge", types.InstanceStateNameRunning, types.InstanceLifecycleTypeSpot),
			machine("inf1.xlarge", types.InstanceStateNameRunning, ""), machine("hpc6a.48xlarge", types.InstanceStateNameRunning, ""), machine("u-6tb1.metal", types.InstanceStateNameRunning, ""),
		},
		storage: []int32{80, 150, 500}, nics: 3, groups: 2, alarms: []bool{false, true, false},
		ofRDS: map[string]int64{"DBInstances": 7, "DBParameterGroups": 8, "DBSubnetGroups": 9, "ManualSnapshots": 3},
		ofIAM: map[string]int32{"Roles": 75, "RolesQuota": 1000},
	}
}

func newQuotas() quotastest.Quotas {
	return quotastest.Quotas{
		"ec2": {"L-1216C47A": {Preset: 5, Applied: 64}}, "ebs": {"L-7A658B76": {Preset: 50}},
		"vpc":            {"L-DF5E4CA3": {Preset: 5000, Applied: 6000}, "L-E79EC296": {Preset: 2500}},
		"cloudformation": {"L-0485CB21": {Preset: 2000, Applied: 2000}},
		"rds":            {"L-7B6409FD": {Preset: 40, Applied: 40}, "L-DE55804A": {Preset: 50, Applied: 50}, "L-48C6BF61": {Preset: 50, Applied: 50}},
	}
}

func (r *region) account(q quotas) *Account {
	return &Account{Stage: "dev", Quotas: q, Databases: r, Roles: r, Machines: r, Stacks: r, Alarms: r}
}

var all = map[string]pool.QuotaSaid{
	"ec2-vcpus": {Most: 64, Used: 12}, "ebs-storage": {Most: 50 * 1024, Used: 730}, "interfaces": {Most: 6000, Used: 3}, "security-groups": {Most: 2500, Used: 2},
	"stacks": {Most: 2000, Used: 9}, "rds-instances": {Most: 40, Used: 7}, "rds-parameter-groups": {Most: 50, Used: 8}, "rds-subnet-groups": {Most: 50, Used: 9},
	"iam-roles": {Most: 1000, Used: 75}, "alarms": {Used: 3},
}

func TestEachQuotaIsReadWithAllThatIsUsedOfIt(t *testing.T) {
	r, err := newRegion().account(newQuotas()).Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(all, r.Said); diff != "" {
		t.Errorf("said (-want +got):\n%s", diff)
	}
	if r.Made[pool.Database] != 1 || r.Made[pool.Share] != 2 || r.Moving[pool.Share] != 3 || r.Moving[pool.Database] != 0 {
		t.Errorf("made %v, moving %v", r.Made, r.Moving)
	}
	for _, name := range pool.QuotaNames {
		if _, said := r.Said[name]; !said {
			t.Errorf("nothing is said of %s", name)
		}
	}
}

// What can't be read says why, and keeps nothing else from being read.
func TestAQuotaThatCanNotBeReadSaysWhy(t *testing.T) {
	denied := func(operation string) func(*region, quotastest.Quotas) {
		return func(r *region, _ quotastest.Quotas) { r.denied = []string{operation} }
	}
	ofRDS := []string{"rds-instances", "rds-parameter-groups", "rds-subnet-groups"}
	for name, test := range map[string]struct {
		change func(*region, quotastest.Quotas)
		lost   []string
		why    string
	}{
		"machines":   {denied("DescribeInstances"), []string{"ec2-vcpus"}, "AccessDenied: not authorized to perform: DescribeInstances"},
		"volumes":    {denied("DescribeVolumes"), []string{"ebs-storage"}, "AccessDenied"},
		"interfaces": {denied("DescribeNetworkInterfaces"), []string{"interfaces"}, "AccessDenied"},
		"groups":     {denied("DescribeSecurityGroups"), []string{"security-groups"}, "AccessDenied"},
		"alarms":     {denied("DescribeAlarms"), []string{"alarms"}, "AccessDenied"},
		"RDS":        {denied("DescribeAccountAttributes"), ofRDS, "AccessDenied"},
		"IAM":        {denied("GetAccountSummary"), []string{"iam-roles"}, "AccessDenied"},
		"a dependency": {func(_ *region, q quotastest.Quotas) {
			q["cloudformation"]["L-0485CB21"] = quotastest.Quota{Preset: 2000, Applied: 2000, Denied: true}
		}, []string{"stacks"}, "DEPENDENCY_ACCESS_DENIED_ERROR"},
		"what RDS and IAM leave out": {func(r *region, _ quotastest.Quotas) { r.forgotten = true }, append(slices.Clone(ofRDS), "iam-roles"), "does not say"},
		"stacks":                     {denied("ListStacks"), pool.QuotaNames, "AccessDenied"},
	} {
		t.Run(name, func(t *testing.T) {
			r, q := newRegion(), newQuotas()
			test.change(r, q)
			read, err := r.account(q).Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range pool.QuotaNames {
				said := read.Said[name]
				if slices.Contains(test.lost, name) {
					if !strings.Contains(said.Why, test.why) || said.Most != 0 || said.Used != 0 {
						t.Errorf("%s: %+v", name, said)
					}
				} else if said != all[name] {
					t.Errorf("%s, too: %+v", name, said)
				}
			}
		})
	}
}

// Of a quota that Service Quotas does not know in a region, what is used is read all the same.
func TestAQuotaThatIsNotKnownHasNoSize(t *testing.T) {
	q := newQuotas()
	delete(q, "ec2")
	read, err := newRegion().account(q).Read(t.Context())
	if want := (pool.QuotaSaid{Used: 12}); err != nil || read.Said["ec2-vcpus"] != want {
		t.Errorf("%+v, %v", read.Said["ec2-vcpus"], err)
	}
}

func TestAReadingEndsWithItsTime(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := newRegion().account(newQuotas()).Read(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
