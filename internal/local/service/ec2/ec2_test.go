package ec2

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"headroom/internal/local/machine"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/resource"
)

type bench struct {
	*EC2
	client *sdk.Client
	bays   *bays
	now    *atomic.Pointer[time.Time]
}

const propagation = time.Minute

// propagate lets as much time go by as a rule takes to be in force.
func (b bench) propagate() {
	later := b.now.Load().Add(propagation)
	b.now.Store(&later)
}

// set changes how long things take.
func (b bench) set(change func(*Config)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(&b.cfg)
}

func newBench(t *testing.T) bench {
	t.Helper()
	b := bench{bays: &bays{busy: map[netip.Addr]bool{}, held: map[netip.Addr]bool{}, on: map[string]machine.Machine{}, used: map[string]bool{}}, now: &atomic.Pointer[time.Time]{}}
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	b.now.Store(&start)
	b.EC2 = New(Config{
		Account: "123456789012", Region: "eu-west-1", Machines: b.bays,
		Launch: 5 * time.Millisecond, Stop: 60 * time.Millisecond, Release: 60 * time.Millisecond, Checks: 50 * time.Millisecond,
		Lag: 30 * time.Millisecond, Attach: 30 * time.Millisecond, Propagation: propagation,
		Now: func() time.Time { return *b.now.Load() },
	})
	router := endpoint.New(endpoint.Config{Account: "123456789012", Region: "eu-west-1", Log: slog.New(slog.DiscardHandler)})
	router.Handle(b.Service())
	server := httptest.NewServer(router)
	t.Cleanup(server.Close)
	b.client = sdk.New(sdk.Options{
		Region: "eu-west-1", BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIALOCAL", "secret", ""),
	})
	return b
}

func (b bench) make(t *testing.T, id, kind string, properties map[string]any) resource.Created {
	t.Helper()
	created, err := b.Create(t.Context(), declared(id, kind, properties))
	if err != nil {
		t.Fatal(err)
	}
	return created
}

func declared(id, kind string, properties map[string]any) resource.Resource {
	return resource.Resource{StackID: "stack", StackName: "host", LogicalID: id, Type: "AWS::EC2::" + kind, Properties: properties}
}

func (b bench) authorize(t *testing.T, group, cidr string, port int32) error {
	t.Helper()
	_, err := b.client.AuthorizeSecurityGroupIngress(t.Context(), &sdk.AuthorizeSecurityGroupIngressInput{
		GroupId: &group, IpPermissions: permissions(cidr, port),
	})
	return err
}

func permissions(cidr string, port int32) []types.IpPermission {
	return []types.IpPermission{{
		IpProtocol: aws.String("tcp"), FromPort: &port, ToPort: &port,
		IpRanges: []types.IpRange{{CidrIp: &cidr, Description: aws.String("tenant")}},
	}}
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	var own *endpoint.Error // of a resource that was made without a call
	if errors.As(err, &own) {
		return own.Code
	}
	return ""
}

func TestRulesAreEnforcedAfterTheyHavePropagated(t *testing.T) {
	b := newBench(t)
	group := b.make(t, "Group", "SecurityGroup", map[string]any{"GroupDescription": "g", "VpcId": "vpc-1"}).PhysicalID
	from := netip.MustParseAddr("10.0.0.7")
	if err := b.authorize(t, group, "10.0.0.7/32", 2049); err != nil {
		t.Fatal(err)
	}
	if b.Permits([]string{group}, 2049, from) {
		t.Error("in force at once")
	}
	b.propagate()
	for _, c := range []struct {
		name string
		port int
		from string
		want bool
	}{
		{"the rule's address and port", 2049, "10.0.0.7", true},
		{"the same as IPv6-mapped", 2049, "::ffff:10.0.0.7", true},
		{"another port", 111, "10.0.0.7", false},
		{"another address", 2049, "10.0.0.8", false},
	} {
		if got := b.Permits([]string{group}, c.port, netip.MustParseAddr(c.from)); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	_, err := b.client.RevokeSecurityGroupIngress(t.Context(), &sdk.RevokeSecurityGroupIngressInput{GroupId: &group, IpPermissions: permissions("10.0.0.7/32", 2049)})
	if err != nil {
		t.Fatal(err)
	}
	if !b.Permits([]string{group}, 2049, from) {
		t.Error("out of force at once")
	}
	b.propagate()
	if b.Permits([]string{group}, 2049, from) {
		t.Error("still in force")
	}
}

func TestRuleErrorsAreEC2s(t *testing.T) {
	b := newBench(t)
	group := b.make(t, "Group", "SecurityGroup", map[string]any{"GroupDescription": "g"}).PhysicalID
	if err := b.authorize(t, group, "10.0.0.7/32", 2049); err != nil {
		t.Fatal(err)
	}
	if err := b.authorize(t, group, "10.0.0.7/32", 2049); code(err) != "InvalidPermission.Duplicate" {
		t.Errorf("the rule again: %v", err)
	}
	if err := b.authorize(t, "sg-nobody", "10.0.0.7/32", 2049); code(err) != "InvalidGroup.NotFound" {
		t.Errorf("an unknown group: %v", err)
	}
	if err := b.authorize(t, group, "10.0.0.7", 2049); code(err) != "InvalidParameterValue" {
		t.Errorf("no CIDR block: %v", err)
	}
	_, err := b.client.RevokeSecurityGroupIngress(t.Context(), &sdk.RevokeSecurityGroupIngressInput{GroupId: &group, IpPermissions: permissions("10.0.0.9/32", 2049)})
	if code(err) != "InvalidPermission.NotFound" {
		t.Errorf("revoke what is not there: %v", err)
	}
	for n := range 59 {
		if err := b.authorize(t, group, fmt.Sprintf("10.0.1.%d/32", n), 2049); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.authorize(t, group, "10.0.2.1/32", 2049); code(err) != "RulesPerSecurityGroupLimitExceeded" {
		t.Errorf("one rule too many: %v", err)
	}
}

func TestDescribedRulesAreWhatWasAuthorized(t *testing.T) {
	b := newBench(t)
	group := b.make(t, "Group", "SecurityGroup", map[string]any{"GroupDescription": "g", "SecurityGroupIngress": []any{
		map[string]any{"IpProtocol": "tcp", "FromPort": 80.0, "ToPort": "80", "SourceSecurityGroupId": "sg-functions"},
	}}).PhysicalID
	if err := b.authorize(t, group, "10.0.0.7/32", 2049); err != nil {
		t.Fatal(err)
	}
	groups, err := b.client.DescribeSecurityGroups(t.Context(), &sdk.DescribeSecurityGroupsInput{GroupIds: []string{group}})
	if err != nil || len(groups.SecurityGroups) != 1 || len(groups.SecurityGroups[0].IpPermissions) != 2 {
		t.Fatalf("groups %+v: %v", groups, err)
	}
	rules, err := b.client.DescribeSecurityGroupRules(t.Context(), &sdk.DescribeSecurityGroupRulesInput{
		Filters: []types.Filter{{Name: aws.String("group-id"), Values: []string{group}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var tenant *types.SecurityGroupRule
	for _, r := range rules.SecurityGroupRules {
		if aws.ToString(r.CidrIpv4) == "10.0.0.7/32" {
			tenant = &r
		}
	}
	if tenant == nil || aws.ToString(tenant.Description) != "tenant" || aws.ToInt32(tenant.FromPort) != 2049 {
		t.Fatalf("rules %+v", rules.SecurityGroupRules)
	}
	_, err = b.client.RevokeSecurityGroupIngress(t.Context(), &sdk.RevokeSecurityGroupIngressInput{GroupId: &group, SecurityGroupRuleIds: []string{*tenant.SecurityGroupRuleId}})
	if err != nil {
		t.Errorf("revoke by id: %v", err)
	}
	_, err = b.client.DescribeSecurityGroups(t.Context(), &sdk.DescribeSecurityGroupsInput{GroupIds: []string{"sg-nobody"}})
	if code(err) != "InvalidGroup.NotFound" {
		t.Errorf("an unknown group: %v", err)
	}
}

func TestFunctionsAreMembersOfGroupsWithoutInstances(t *testing.T) {
	b := newBench(t)
	functions := b.make(t, "Functions", "SecurityGroup", map[string]any{"GroupDescription": "f"}).PhysicalID
	group := b.make(t, "Group", "SecurityGroup", map[string]any{"GroupDescription": "g"}).PhysicalID
	for n, source := range []string{functions, group} {
		b.make(t, fmt.Sprint("Rule", n), "SecurityGroupIngress", map[string]any{
			"GroupId": group, "IpProtocol": "tcp", "FromPort": 80 + n, "ToPort": 80 + n, "SourceSecurityGroupId": source,
		})
	}
	instance := b.make(t, "Machine", "Instance", map[string]any{"SecurityGroupIds": []any{group}})
	b.propagate()
	local := netip.MustParseAddr("127.0.0.1")
	if !b.Permits([]string{group}, 80, local) {
		t.Error("functions are kept out where their group is let in")
	}
	if b.Permits([]string{group}, 81, local) {
		t.Error("functions are let in as members of the instance's group")
	}
	if !b.Permits([]string{group}, 81, netip.MustParseAddr(instance.Attributes["PrivateIp"].(string))) {
		t.Error("the instance is no member of its own group")
	}
}

func TestInstancesHaveAddressesOfTheirOwn(t *testing.T) {
	b := newBench(t)
	b.bays.busy[netip.MustParseAddr("127.10.0.1")] = true // another cloud on this computer
	group := b.make(t, "Group", "SecurityGroup", map[string]any{"GroupDescription": "g"}).PhysicalID
	first := b.make(t, "First", "Instance", map[string]any{"SecurityGroupIds": []any{group}})
	again := b.make(t, "First", "Instance", map[string]any{"SecurityGroupIds": []any{group}})
	second := b.make(t, "Second", "Instance", map[string]any{"NetworkInterfaces": []any{map[string]any{"GroupSet": group}}})
	if first.PhysicalID != again.PhysicalID {
		t.Error("creating it again made another one")
	}
	if got := first.Attributes["PrivateIp"]; got != "127.10.0.2" {
		t.Errorf("the first address is %v", got)
	}
	if got := second.Attributes["PrivateIp"]; got != "127.10.0.3" {
		t.Errorf("the second address is %v", got)
	}
	if err := b.Delete(t.Context(), declared("Group", "SecurityGroup", nil)); err != nil {
		t.Errorf("delete what was never there: %v", err)
	}
	inUse := declared("Group", "SecurityGroup", nil)
	inUse.PhysicalID = group
	if err := b.Delete(t.Context(), inUse); err == nil {
		t.Error("deleted a group that instances are in")
	}
	gone := declared("First", "Instance", nil)
	gone.PhysicalID = first.PhysicalID
	for range 2 {
		if err := b.Delete(t.Context(), gone); err != nil {
			t.Fatal(err)
		}
	}
	output, err := b.client.DescribeInstances(t.Context(), &sdk.DescribeInstancesInput{InstanceIds: []string{second.PhysicalID}})
	if err != nil || *output.Reservations[0].Instances[0].PrivateIpAddress != "127.10.0.3" {
		t.Errorf("described %+v: %v", output, err)
	}
	b.reaches(t, first.PhysicalID, types.InstanceStateNameTerminated) // for an hour it can be asked about
	_, err = b.client.DescribeInstances(t.Context(), &sdk.DescribeInstancesInput{InstanceIds: []string{"i-0123456789abcdef0"}})
	if code(err) != "InvalidInstanceID.NotFound" {
		t.Errorf("describe what never was: %v", err)
	}
}
