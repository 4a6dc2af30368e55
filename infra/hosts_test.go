package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/pool"
)

// holds evaluates a condition of a template: the functions that ours use.
func holds(t *testing.T, tpl template, condition any, parameters map[string]string) bool {
	t.Helper()
	is := func(v any) bool { return holds(t, tpl, v, parameters) }
	m, _ := condition.(map[string]any)
	for function, argument := range m {
		list, _ := argument.([]any)
		switch function {
		case "Condition":
			return is(tpl.Conditions[argument.(string)])
		case "Fn::Or":
			return slices.ContainsFunc(list, is)
		case "Fn::And":
			return !slices.ContainsFunc(list, func(v any) bool { return !is(v) })
		case "Fn::Not":
			return !is(list[0])
		case "Fn::Equals":
			return text(t, list[0], parameters) == text(t, list[1], parameters)
		}
	}
	t.Fatalf("can't evaluate condition %v", condition)
	return false
}

// text evaluates an expression that gives a string.
func text(t *testing.T, v any, parameters map[string]string) string {
	t.Helper()
	if s, ok := v.(string); ok {
		return s
	}
	if name, ok := at(v, "Ref").(string); ok {
		return parameters[name]
	}
	if join, ok := at(v, "Fn::Join").([]any); ok {
		var parts []string
		for _, part := range join[1].([]any) {
			parts = append(parts, text(t, part, parameters))
		}
		return strings.Join(parts, join[0].(string))
	}
	if sel, ok := at(v, "Fn::Select").([]any); ok {
		split := at(sel[1], "Fn::Split").([]any)
		return strings.Split(text(t, split[1], parameters), split[0].(string))[int(sel[0].(float64))]
	}
	t.Fatalf("can't evaluate %v", v)
	return ""
}

// made counts the resources of a type that a stack with the parameters would have.
func made(t *testing.T, tpl template, kind string, parameters map[string]string) int {
	t.Helper()
	n := 0
	for _, r := range tpl.of(kind) {
		if r.Condition == "" || holds(t, tpl, tpl.Conditions[r.Condition], parameters) {
			n++
		}
	}
	return n
}

func TestAShareHostHasExactlyItsSlots(t *testing.T) {
	tpl := assemblies["dev"].share
	for slots := 1; slots <= maxShares; slots++ {
		parameters := map[string]string{"Slots": fmt.Sprint(slots), "Side": []string{"A", "B"}[slots%2]}
		for _, kind := range []string{"AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::IAM::Role"} {
			if n := made(t, tpl, kind, parameters); n != slots {
				t.Errorf("%d slots: %d of %s", slots, n, kind)
			}
		}
		for n := 1; n <= maxShares; n++ {
			for _, what := range []string{fmt.Sprintf("Bucket%02d", n), pool.SideOutput(fmt.Sprintf("Role%02d", n), parameters["Side"])} {
				condition, _ := tpl.Outputs[what]["Condition"].(string)
				if got := holds(t, tpl, tpl.Conditions[condition], parameters); got != (n <= slots) {
					t.Errorf("%d slots: output %s is there: %t", slots, what, got)
				}
			}
		}
	}
}

func TestABucketIsPrivateEncryptedAndKept(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		for id, bucket := range a.share.of("AWS::S3::Bucket") {
			if bucket.DeletionPolicy != "RetainExceptOnCreate" {
				t.Errorf("%s: deletion policy %s", id, bucket.DeletionPolicy)
			}
			for _, block := range []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"} {
				if at(bucket.Properties, "PublicAccessBlockConfiguration", block) != true {
					t.Errorf("%s: %s is off", id, block)
				}
			}
			rules, _ := at(bucket.Properties, "BucketEncryption", "ServerSideEncryptionConfiguration").([]any)
			if len(rules) != 1 || at(rules[0], "ServerSideEncryptionByDefault", "SSEAlgorithm") != "aws:kms" {
				t.Errorf("%s: encryption %v", id, rules)
			}
		}
	})
}

func TestARoleOfAShareReachesItsOwnBucketOnly(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		for id, role := range a.share.of("AWS::IAM::Role") {
			number := strings.TrimSuffix(strings.TrimPrefix(id, "ShareRole"), pool.SideB)
			policies, err := json.Marshal(role.Properties["Policies"])
			if err != nil {
				t.Fatal(err)
			}
			for other := 1; other <= maxShares; other++ {
				name := fmt.Sprintf("ShareBucket%02d", other)
				if got, want := strings.Contains(string(policies), name), strings.HasSuffix(name, number); got != want {
					t.Errorf("%s reaches %s: %t", id, name, got)
				}
			}
			if referred(role.Properties["PermissionsBoundary"]) != "BoundaryArn" {
				t.Errorf("%s has no permissions boundary", id)
			}
			if path := at(role.Properties, "Path", "Fn::Sub"); path != "/headroom/${Stage}/share/" {
				t.Errorf("%s has path %v: it could not be passed to a gateway", id, path)
			}
		}
	})
}

func TestAGatewaysDataOutlivesItsStack(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		if policy := a.share.Resources["Cache"].DeletionPolicy; policy != "RetainExceptOnCreate" {
			t.Errorf("the cache's deletion policy is %q", policy)
		}
		machine := a.share.Resources["Machine"].Properties
		if at(machine, "MetadataOptions", "HttpTokens") != "required" {
			t.Error("the machine answers IMDSv1")
		}
		for _, disk := range at(machine, "BlockDeviceMappings").([]any) {
			if at(disk, "Ebs", "DeleteOnTermination") != false || at(disk, "Ebs", "Encrypted") != true {
				t.Errorf("disk %v", disk)
			}
		}
	})
}

func TestAGatewaysDisksSayWhoseTheyAre(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		machine := a.share.Resources["Machine"].Properties
		if at(machine, "PropagateTagsToVolumeOnCreation") != true {
			t.Error("the root disk gets no tags")
		}
		tags := map[any]any{}
		for _, tag := range at(machine, "Tags").([]any) {
			tags[at(tag, "Key")] = at(tag, "Value")
		}
		if referred(tags["headroom:stage"]) != "Stage" || referred(tags["headroom:host"]) != "HostId" || referred(tags["headroom:order"]) != "OrderMark" {
			t.Errorf("tags %v", tags)
		}
	})
}

func TestACacheIsLargeEnoughToBeTakenForOne(t *testing.T) {
	for _, stage := range Stages {
		if stage.Shares.CacheGiB < 150 || stage.Shares.RootGiB >= 150 {
			t.Errorf("%s: cache %d GiB, root %d GiB", stage.Name, stage.Shares.CacheGiB, stage.Shares.RootGiB)
		}
	}
}

func TestAGatewayIsClosedToAllButTheFunctions(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		ingress, _ := a.share.Resources["SecurityGroup"].Properties["SecurityGroupIngress"].([]any)
		var ports []any // its activation page, and whether it serves
		for _, rule := range ingress {
			if ports = append(ports, at(rule, "FromPort")); at(rule, "FromPort") != at(rule, "ToPort") || referred(at(rule, "SourceSecurityGroupId")) != "ClientSecurityGroupId" {
				t.Errorf("ingress %v", rule)
			}
		}
		if diff := cmp.Diff([]any{80.0, 2049.0}, ports); diff != "" {
			t.Errorf("ports (-want +got):\n%s", diff)
		}
		if n := len(a.share.of("AWS::EC2::SecurityGroupIngress")); n != 0 {
			t.Errorf("%d more rules", n)
		}
	})
}

func TestOrdersBringAllParametersThatTheTemplatesHave(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		poolcheck := a.variablesOf("poolcheck")
		// What comes with each order: see parameters in internal/handler/poolcheck.
		databases := []string{"HostId", "Tier", "OrderMark"}
		if !a.stage.Databases.MultiZone {
			databases = append(databases, "AvailabilityZone")
		}
		tests := map[string]struct {
			template template
			ordered  []string
		}{
			"DATABASE_STACK_PARAMETERS": {a.database, databases},
			"SHARE_STACK_PARAMETERS": {a.share, []string{
				"HostId", "Tier", "OrderMark", "AvailabilityZone", "SubnetId", "ImageId", "Slots",
			}},
		}
		for variable, test := range tests {
			fixed := map[string]string{}
			if err := json.Unmarshal([]byte(withoutReferences(poolcheck[variable])), &fixed); err != nil {
				t.Fatalf("%s is no JSON object of strings: %v", variable, err)
			}
			got := append(slices.Collect(maps.Keys(fixed)), test.ordered...)
			var want []string
			for name := range test.template.Parameters {
				// These are moved when a machine is replaced or resized, and when a gateway is activated, or given up.
				if !slices.Contains([]string{"HasMachine", "InstanceType", "GatewayId", "Fence", "Side"}, name) {
					want = append(want, name)
				}
			}
			slices.Sort(got)
			slices.Sort(want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-template +order):\n%s", variable, diff)
			}
		}
	})
}

func TestHostsAreOrderedInTheZonesOfTheirSubnets(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		variables := a.variablesOf("poolcheck")
		var list []pool.Zone
		if err := json.Unmarshal([]byte(withoutReferences(variables["SHARE_ZONES"])), &list); err != nil || len(list) != a.stage.Zones {
			t.Errorf("zones of gateways: %v, %v", list, err)
		}
		if a.stage.Databases.MultiZone {
			if variables["DATABASE_ZONES"] != "[]" {
				t.Errorf("zones of databases that have a standby: %v", variables["DATABASE_ZONES"])
			}
		} else if !cmp.Equal(variables["DATABASE_ZONES"], variables["SHARE_ZONES"]) {
			t.Errorf("zones of databases: %v", variables["DATABASE_ZONES"])
		}
		// Zone and subnet come in pairs: the zone of a subnet is what that subnet's template says.
		parts, _ := at(variables["SHARE_ZONES"], "Fn::Join").([]any)
		var references []any
		for _, part := range parts[1].([]any) {
			if _, text := part.(string); !text {
				references = append(references, part)
			}
		}
		for i := 0; i+1 < len(references); i += 2 {
			subnet, zone := references[i], references[i+1]
			if referred(subnet) == "" {
				subnet, zone = zone, subnet
			}
			in := a.control.Resources[referred(subnet)]
			if in.Type != "AWS::EC2::Subnet" || !cmp.Equal(in.Properties["AvailabilityZone"], zone) {
				t.Errorf("%v is said to be in %v", subnet, zone)
			}
		}
	})
}

func TestAnImageIsAPlainStringThatComesWithTheOrder(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		for name, tpl := range map[string]template{"share-host": a.share, "database-host": a.database} {
			for id, p := range tpl.Parameters {
				if kind, _ := p["Type"].(string); kind != "String" {
					t.Errorf("%s: %s is of type %s, which an update may resolve anew", name, id, kind)
				}
			}
		}
		if p := a.share.Parameters["ImageId"]; p == nil || p["Default"] != nil {
			t.Errorf("ImageId is %v", p)
		}
		if got := a.variablesOf("poolcheck")["GATEWAY_IMAGE_PARAMETER"]; got != gatewayImageParameter {
			t.Errorf("images are looked up in %v", got)
		}
	})
}

// withoutReferences is the text of a Fn::Join, with "x" for what is only known when it is deployed.
func withoutReferences(v any) string {
	join, _ := at(v, "Fn::Join").([]any)
	var b strings.Builder
	for _, part := range join[1].([]any) {
		if s, ok := part.(string); ok {
			b.WriteString(s)
		} else {
			b.WriteString("x")
		}
	}
	return b.String()
}

// All tenants of a gateway may change their machines at once, with as many addresses as each may have.
func TestAGatewaysGroupHasRoomForAllItsTenantsAddresses(t *testing.T) {
	const rules, forProbes = 60, 5
	forEachStage(t, func(t *testing.T, a assembly) {
		for id, group := range a.share.of("AWS::EC2::SecurityGroup") {
			own := len(list(at(group.Properties, "SecurityGroupIngress")))
			if need := own + forProbes + maxShares*pool.AddressesMost; own == 0 || need > rules {
				t.Errorf("%s needs %d rules, %d of them its own", id, need, own)
			}
		}
	})
}
