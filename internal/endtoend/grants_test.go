package endtoend

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"headroom/events"
	"headroom/internal/demo"
	"headroom/internal/local"
	"headroom/internal/local/service/cloudwatch"
	"headroom/internal/pool"
)

// TestWithoutAGrantTheRunFails takes one grant after the other away, wants what then happens to be
// denied by its name, and all to go on once it is given back.
func TestWithoutAGrantTheRunFails(t *testing.T) {
	t.Parallel()
	s := start(t, policies(
		// Enough for a signup a grant, and as many again to use up what was ordered twice.
		pool.Policy{SlotsPerHost: 20, Floor: 3, Ceiling: 3},
		// Each signup makes the pool check order a host.
		pool.Policy{SlotsPerHost: 1, BufferSlots: 3, Ceiling: 40, MaxOrders: 3},
	), func(o *local.Options) { o.Speed = 30 }) // a gateway's alarms are waited for by the minute, and there are thirty gateways
	s.liftLimits(t)
	s.hurry(t)
	s.awaitInService(t, 3, 3)
	roles, tenants := s.roles(t), 0

	signUp := func(t *testing.T, revoked func()) {
		id := demo.Name(tenants)
		s.signUp(t, id, demo.Instance(tenants))
		tenants++
		revoked()
		s.awaitReady(t, id)
	}
	// A host that could not be made for long is not counted on, and another was ordered for it: what is free
	// beyond the buffer is used up first, so that the next signup has a host ordered, and no other is on its way.
	useUp := func(t *testing.T) {
		for {
			s.await(t, "no gateway is on its way", func() bool { return s.record(t, pool.Share).Counters.Provisioning == 0 })
			if s.spare(t, pool.Share) <= 3 {
				return
			}
			signUp(t, func() {})
		}
	}
	makeHost := func(t *testing.T, revoked func()) {
		serving := s.inService(pool.Share)
		signUp(t, revoked)
		s.await(t, "another gateway is in service", func() bool { return s.inService(pool.Share) > serving })
	}
	alarm := func(t *testing.T, revoked func()) {
		name := s.alarms("database-standard-1")[0]
		s.setAlarm(t, name, cloudwatch.Alarming, "threshold crossed")
		revoked()
		s.await(t, "the host is cordoned", func() bool { return len(heard[events.HostCordoned](s.watch)) > 0 })
		s.setAlarm(t, name, cloudwatch.OK, "threshold no longer crossed")
		s.await(t, "the host is in service again", func() bool { return s.host(t, "database-standard-1").State == pool.HostInService })
	}
	gatewayAlarm := func(t *testing.T, revoked func()) {
		const host = "share-standard-1"
		dirty := stackOf(host) + "-dirty"
		s.setAlarm(t, dirty, cloudwatch.Alarming, "threshold crossed")
		revoked()
		s.await(t, "the host is cordoned", func() bool { return s.host(t, host).State == pool.HostCordoned })
		s.setAlarm(t, dirty, cloudwatch.OK, "threshold no longer crossed")
		s.await(t, "the host is in service again", func() bool { return s.host(t, host).State == pool.HostInService })
	}
	machine := 0
	s.signUp(t, "roller", roller(machine))
	s.awaitReady(t, "roller")
	replace := func(t *testing.T, revoked func()) {
		machine++
		s.change(t, "roller", []string{roller(machine)}, []string{roller(machine - 1)})
		revoked()
		s.changed(t, "roller", func(e events.AccessChanged) bool { return slices.Contains(e.Removed, roller(machine-1)) })
	}
	for _, grant := range []struct {
		function, action string
		provoke          func(t *testing.T, revoked func())
	}{
		{"signup", "dynamodb:UpdateItem", signUp},
		{"signup", "secretsmanager:CreateSecret", signUp},
		{"signup", "kms:GenerateDataKey", signUp},
		{"signup", "kms:Decrypt", signUp},
		{"signup", "ec2:AuthorizeSecurityGroupIngress", signUp},
		{"signup", "storagegateway:UpdateNFSFileShare", signUp},
		{"signup", "events:PutEvents", signUp},
		{"poolcheck", "dynamodb:Query", signUp},
		{"poolcheck", "cloudformation:CreateStack", makeHost},
		{"poolcheck", "iam:PassRole", makeHost},
		{"poolcheck", "ssm:GetParameter", makeHost},
		{"stackcomplete", "cloudformation:DescribeStacks", makeHost},
		{"stackcomplete", "ec2:AttachVolume", makeHost},
		{"stackcomplete", "kms:CreateGrant", makeHost},
		{"stackcomplete", "storagegateway:ActivateGateway", makeHost},
		{"stackcomplete", "storagegateway:CreateNFSFileShare", makeHost},
		{"stackcomplete", "s3:PutBucketTagging", makeHost},
		{"stackcomplete", "sqs:SendMessage", makeHost},
		{"rdsalarm", "sns:Publish", alarm}, // the first host that falls: the third lately would be told of by the pool check
		{"gatewayalarm", "dynamodb:GetItem", gatewayAlarm},
		{"gatewayalarm", "dynamodb:PutItem", gatewayAlarm},
		{"instancechange", "dynamodb:GetItem", replace},
		{"instancechange", "dynamodb:Query", replace},
		{"instancechange", "dynamodb:PutItem", replace},
		{"instancechange", "dynamodb:DeleteItem", replace},
		{"instancechange", "dynamodb:ConditionCheckItem", replace},
		{"instancechange", "kms:Decrypt", replace},
		{"instancechange", "storagegateway:UpdateNFSFileShare", replace},
		{"instancechange", "storagegateway:DescribeNFSFileShares", replace},
		{"instancechange", "ec2:AuthorizeSecurityGroupIngress", replace},
		{"instancechange", "ec2:RevokeSecurityGroupIngress", replace},
		{"instancechange", "events:PutEvents", replace},
		{"instancechange", "sqs:SendMessage", replace},
	} {
		t.Run(grant.function+" without "+grant.action, func(t *testing.T) {
			useUp(t)
			role, ok := s.Policies.Role(roles[grant.function])
			if n := s.Policies.Revoke(role.Name, grant.action); !ok || n == 0 {
				t.Fatalf("the role %s has no such grant", roles[grant.function])
			}
			mark := s.mark()
			grant.provoke(t, func() {
				line := s.awaitLog(t, mark, grant.function, "is not authorized to perform: "+grant.action+" on resource: ")
				if !strings.Contains(line, "AccessDenied") && !strings.Contains(line, "UnauthorizedOperation") && !strings.Contains(line, "AuthorizationError") {
					t.Errorf("the refusal has none of AWS's codes: %s", line)
				}
				s.Policies.PutRole(role)
			})
		})
	}
}

// roller is the address of a customer's n-th machine.
func roller(n int) string { return fmt.Sprintf("127.30.13.%d", n+1) }

// spare is how many slots of a kind are free, or on their way.
func (s *system) spare(t *testing.T, kind pool.Kind) int {
	t.Helper()
	shelf, err := s.ledger.Shelf(t.Context(), tier)
	must(t, err)
	record := s.record(t, kind)
	return record.Counters.Reserve + record.Counters.ProvisioningSlots + shelf.SetOut(kind)
}

// record is a pool's record.
func (s *system) record(t *testing.T, kind pool.Kind) pool.Record {
	t.Helper()
	r, err := s.ledger.Pool(t.Context(), pool.Key{Kind: kind, Tier: tier})
	must(t, err)
	return r
}

// inService is how many hosts of a kind have ever been in service.
func (s *system) inService(kind pool.Kind) int {
	there := map[string]bool{}
	for _, e := range heard[events.HostInService](s.watch) {
		if e.Kind == string(kind) {
			there[e.HostID] = true
		}
	}
	return len(there)
}

// unneeded says why a grant may go unused in a run, by function and action.
var unneeded = map[string]string{
	"signup secretsmanager:GetSecretValue":             "a tenant's secret is read only if it is there already, after a signup that was cut short",
	"stackcomplete storagegateway:ListTagsForResource": "the tags of a gateway are read only if one of the name is there already, after an activation that was cut short",
	"stackcomplete storagegateway:ListGateways":        "gateways are listed only after an activation that came to no clear end",
	"stackcomplete storagegateway:UpdateNFSFileShare":  "a share is closed only if it was taken from a tenant again",
	"stackcomplete storagegateway:AddTagsToResource":   "a share is closed only if it was taken from a tenant again",
	"instancechange ssm:GetParameterHistory":           "older policies are read only while the newest ones are invalid",
	"stackcomplete ec2:AuthorizeSecurityGroupIngress":  "a tenant is put out of a gateway only if its share was taken from it again",
	"stackcomplete ec2:RevokeSecurityGroupIngress":     "a tenant is put out of a gateway only if its share was taken from it again",
	"stackcomplete ec2:DeleteVolume":                   "no host is retired here (TestEmptyHostsAreRetired)",
	"stackcomplete rds:AddTagsToResource":              "no host is retired here (TestEmptyHostsAreRetired)",
	"stackcomplete rds:DeleteDBSnapshot":               "no host is retired here (TestEmptyHostsAreRetired)",
	"stackcomplete rds:DescribeDBInstances":            "no host is retired here (TestEmptyHostsAreRetired)",
	"stackcomplete rds:DescribeDBSnapshots":            "no host is retired here (TestEmptyHostsAreRetired)",
	"stackcomplete rds:ModifyDBInstance":               "no host is retired here (TestEmptyHostsAreRetired)",
	"stackcomplete s3:DeleteBucket":                    "no host is retired here (TestEmptyHostsAreRetired)",
	"stackcomplete s3:ListBucketMultipartUploads":      "no host is retired here (TestEmptyHostsAreRetired)",
	"stackcomplete s3:ListBucketVersions":              "no host is retired here (TestEmptyHostsAreRetired)",
	"stackcomplete storagegateway:DeleteFileShare":     "no host is retired here (TestEmptyHostsAreRetired)",
	"stackcomplete storagegateway:DeleteGateway":       "no host is retired here (TestEmptyHostsAreRetired)",
	"stackcomplete storagegateway:ListFileShares":      "no host is retired here (TestEmptyHostsAreRetired)",
	"poolcheck cloudformation:DescribeStacks":          "a stack is looked at only if it is there already, after an order that was cut short",
	"decommission secretsmanager:GetSecretValue":       "a copier's secret is read only if it is there already, after an attempt that was cut short",
	"decommission ssm:GetParameterHistory":             "older policies are read only while the newest ones are invalid",
	"decommission s3:ListBucket":                       "an object of the archive is found missing only if it was lost",
	"decommission s3:GetObject":                        "a certificate is looked at only if it is there already, after a certifying that was cut short",
	"decommission s3:GetObjectVersion":                 "a certificate is read only if another is stored already, after a certifying that was cut short",
	"decommission s3:AbortMultipartUpload":             "an upload of a share is aborted only if a gateway was cut short",
	"decommission sns:Publish":                         "people are told only of what is refused, quarantined, or fails to upload",
	"signup dynamodb:BatchGetItem":                     "hosts are read only if the tenant's record names its slots already, after a signup that was cut short",
	"decommission dynamodb:BatchGetItem":               "what a tenant holds is settled by the pool check, if that comes first",
	"decommission kms:Decrypt":                         "the topic's key is used only when people are told of something",
	"decommission kms:GenerateDataKey":                 "the topic's key is used only when people are told of something",
	"job s3:ListBucket":                                "an object is found missing only if it was lost",
	"job s3:GetObject":                                 "an attempt's object is looked at only if it is there already, after an upload that came to no clear end",
	"job s3:AbortMultipartUpload":                      "an upload is aborted only if an attempt was cut short",
	"restore dynamodb:UpdateItem":                      "money is held for an instance only where hosts have a price",
	"restore dynamodb:DeleteItem":                      "money is held for an instance only where hosts have a price",
	"poolcheck dynamodb:DeleteItem":                    "money is taken back by a round only if somebody was killed before doing so",
	"restore sns:Publish":                              "people are told only of a restoration that fails or waits, or of an instance that was left",
	"restore kms:Decrypt":                              "the topic's key is used only when people are told of something",
	"restore kms:GenerateDataKey":                      "the topic's key is used only when people are told of something",
	"restore ssm:GetParameterHistory":                  "older policies are read only while the newest ones are invalid",
	"restore secretsmanager:GetSecretValue":            "a role's secret is read only if it is there already, after a storing that was cut short",
	"restore ecs:DescribeTasks":                        "a task is looked at only if it was not heard of",
	"restore ecs:StopTask":                             "a task is stopped only if it fails, or is called off",
	"reconcile dynamodb:Query":                         "departures of a tenant are read only if it leaves, or left something",
	"reconcile sns:Publish":                            "people are told only of what differs",
	"reconcile kms:Decrypt":                            "the topic's key is used only when people are told of something",
	"reconcile kms:GenerateDataKey":                    "the topic's key is used only when people are told of something",
	"recovery cloudwatch:DescribeAlarms":               "what there is in AWS is looked at as a whole, and hosts and tenants don't follow from alarms",
	"recovery ec2:DescribeSecurityGroups":              "what there is in AWS is looked at as a whole, and hosts and tenants don't follow from groups",
	"recovery ec2:DescribeSecurityGroupRules":          "what there is in AWS is looked at as a whole, and hosts and tenants don't follow from groups",
	"recovery ssm:GetParameterHistory":                 "older policies are read only while the newest ones are invalid",
	"poolcheck cloudwatch:DescribeAlarms":              "an alarm is looked at only if it keeps a host out of service for a minute",
}

// needsItsGrants lists the grants of roles, by whose they are, that nothing has needed so far, and wants a reason for each.
func (s *system) needsItsGrants(t *testing.T, roles map[string]string) {
	t.Helper()
	for whose, role := range roles {
		for _, grant := range s.Policies.Unused(role) {
			reason, ok := unneeded[whose+" "+grant.Action]
			if !ok {
				t.Errorf("nothing needed %s", grant)
				continue
			}
			t.Logf("unused: %s: %s", grant, reason)
		}
	}
}

// roles are the ARNs of the functions' roles, by function.
func (s *system) roles(t *testing.T) map[string]string {
	t.Helper()
	return s.rolesNamed(t, functions...)
}

// rolesNamed are the ARNs of some functions' roles, by function.
func (s *system) rolesNamed(t *testing.T, functions ...string) map[string]string {
	t.Helper()
	arns := map[string]string{}
	for _, r := range s.Stacks.Resources("Headroom-" + stage) {
		if role, ok := r.Properties["Role"].(string); ok && r.Type == "AWS::Lambda::Function" && slices.Contains(functions, shortName(r.PhysicalID)) {
			arns[shortName(r.PhysicalID)] = role
		}
	}
	if len(arns) != len(functions) {
		t.Fatalf("the functions' roles are %v, want %d", arns, len(functions))
	}
	return arns
}
