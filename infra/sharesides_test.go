package main

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/pool"
)

// TestAStackIsOnOneSide has a stack have the cache disk and the roles of one side, each kept or renewed when it changes sides.
func TestAStackIsOnOneSide(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		for _, side := range []string{pool.SideA, pool.SideB} {
			parameters := map[string]string{"Slots": "10", "Side": side, "HasMachine": "true"}
			has := func(condition string) bool { return holds(t, a.share, a.share.Conditions[condition], parameters) }
			for kind, n := range map[string]int{"AWS::EC2::Volume": 1, "AWS::IAM::Role": maxShares, "AWS::S3::Bucket": maxShares} {
				if got := made(t, a.share, kind, parameters); got != n {
					t.Errorf("side %s has %d of %s", side, got, kind)
				}
			}
			for _, name := range []string{"CacheVolumeId", "Role01", "Role10"} {
				for _, other := range []string{pool.SideA, pool.SideB} {
					condition, _ := a.share.Outputs[pool.SideOutput(name, other)]["Condition"].(string)
					if got := has(condition); got != (other == side) {
						t.Errorf("side %s: output %s is there: %t", side, pool.SideOutput(name, other), got)
					}
				}
			}
		}
		for id, volume := range a.share.of("AWS::EC2::Volume") {
			if volume.DeletionPolicy != "RetainExceptOnCreate" || volume.UpdateReplacePolicy != "Retain" {
				t.Errorf("%s is kept: %s, %s", id, volume.DeletionPolicy, volume.UpdateReplacePolicy)
			}
		}
		for parameter, is := range map[string]string{"Side": pool.SideA, "Fence": "off"} {
			if a.share.Parameters[parameter]["Default"] != is {
				t.Errorf("a new stack has %s %v", parameter, a.share.Parameters[parameter]["Default"])
			}
		}
	})
}

// TestAFencedRoleDeniesEverything has all roles of a share host deny everything while the stack is fenced, and nothing but.
func TestAFencedRoleDeniesEverything(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		want := []any{map[string]any{"Effect": "Deny", "Action": "*", "Resource": "*"}}
		for id, role := range a.share.of("AWS::IAM::Role") {
			policies, _ := role.Properties["Policies"].([]any)
			either, _ := at(policies[0], "PolicyDocument", "Fn::If").([]any)
			if len(policies) != 1 || len(either) != 3 || role.Properties["ManagedPolicyArns"] != nil {
				t.Fatalf("%s has policies %v", id, policies)
			}
			if diff := cmp.Diff(want, list(at(either[1], "Statement"))); diff != "" {
				t.Errorf("%s, fenced (-want +got):\n%s", id, diff)
			}
			for fence, fenced := range map[string]bool{"on": true, "off": false} {
				if got := holds(t, a.share, a.share.Conditions[fmt.Sprint(either[0])], map[string]string{"Fence": fence}); got != fenced {
					t.Errorf("%s: fence %s: %t", id, fence, got)
				}
			}
		}
	})
}
