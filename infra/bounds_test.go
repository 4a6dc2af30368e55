package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// conditionKeys are the keys that a statement depends on, sorted.
func conditionKeys(s statement) []string {
	var keys []string
	operators, _ := s.when.(map[string]any)
	for _, values := range operators {
		keys = append(keys, slices.Collect(maps.Keys(values.(map[string]any)))...)
	}
	slices.Sort(keys)
	return keys
}

func TestASharesRoleUsesTheKeyThroughS3Only(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		for name, tpl := range map[string]template{"control": a.control, "share-host": a.share} {
			checked := 0
			for _, s := range identityStatements(name, tpl) {
				if !strings.Contains(s.where, "ShareRole") {
					continue
				}
				for _, action := range s.actions {
					if !strings.HasPrefix(action, "kms:") || action == "kms:DescribeKey" { // which reveals no plaintext
						continue
					}
					checked++
					if via := fmt.Sprint(at(s.when, "StringEquals", "kms:ViaService")); !strings.Contains(via, "s3.") {
						t.Errorf("%s: %s through %s", s.where, action, via)
					}
				}
			}
			if checked == 0 {
				t.Errorf("%s: no grant on the key", name)
			}
		}
	})
}

func TestServicesUseKeysForThisAccountOnly(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		services := 0
		for id, key := range a.control.of("AWS::KMS::Key") {
			for _, s := range list(at(key.Properties, "KeyPolicy", "Statement")) {
				if at(s, "Principal", "Service") == nil {
					continue
				}
				services++
				if referred(at(s, "Condition", "StringEquals", "aws:SourceAccount")) != "AWS::AccountId" {
					t.Errorf("%s: %v", id, s)
				}
			}
		}
		if services == 0 {
			t.Error("no key is used by a service: alarms can't reach the topic")
		}
	})
}

func TestFunctionsPublishInTheirOwnNameOnly(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		n := 0
		for _, s := range identityStatements("control", a.control) {
			if slices.Contains(s.actions, "events:PutEvents") {
				n++
				if source := at(s.when, "StringEquals", "events:source"); source != "headroom" {
					t.Errorf("%s publishes as %v", s.where, source)
				}
			}
		}
		if n != len(functionNames)-3 { // reconcile has no events: it tells people; auditcopy and recovery tell nobody
			t.Errorf("%d functions publish", n)
		}
	})
}

func TestMachinesAreStartedFromAWSsImagesInTheHostsSubnetsOnly(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		got := map[string]string{}
		for _, s := range identityStatements("control", a.control) {
			if !slices.Contains(s.actions, "ec2:RunInstances") {
				continue
			}
			for _, r := range s.resources {
				text := fmt.Sprint(r)
				for _, kind := range []string{"image", "subnet", "security-group", "network-interface", "volume", "instance"} {
					if !strings.Contains(text, ":"+kind+"/") {
						continue
					}
					got[kind] = strings.Join(conditionKeys(s), " ")
					if anyOf := strings.Contains(text, kind+"/*"); kind == "subnet" && anyOf || kind != "subnet" && !anyOf {
						t.Errorf("%s on %s", s.where, text)
					}
				}
			}
		}
		want := map[string]string{
			"image": "ec2:Owner", "subnet": "", "security-group": "ec2:Vpc", "network-interface": "ec2:Vpc", "volume": "ec2:Encrypted", "instance": "",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("conditions on what a machine is made with (-want +got):\n%s", diff)
		}
		if a.control.Parameters["GatewayImageOwner"]["Default"] != "amazon" {
			t.Errorf("images of %v", a.control.Parameters["GatewayImageOwner"])
		}
	})
}

// The resource schemas of CloudFormation list them among what their handlers read.
func TestTheStacksRoleMayReadWhatHandlersRead(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		for id, r := range a.control.of("AWS::IAM::ManagedPolicy") {
			if roles, _ := r.Properties["Roles"].([]any); strings.Contains(id, "StackRole") && len(roles) != 1 {
				t.Errorf("%s is of roles %v", id, roles)
			}
		}
		may := map[string]bool{}
		for _, s := range identityStatements("control", a.control) {
			if strings.Contains(s.where, "StackRole") {
				for _, action := range s.actions {
					may[action] = true
				}
			}
		}
		for _, action := range []string{
			"ssm:DescribeAssociation", "ssm:ListAssociations", "route53:ListHostedZones", "ec2:DescribeVpcAttribute",
			"ec2:DescribeInternetGateways", "s3:GetLifecycleConfiguration", "s3:PutLifecycleConfiguration",
			"logs:CreateLogGroup", "logs:DescribeLogGroups", "logs:PutRetentionPolicy", "logs:DeleteLogGroup",
		} {
			if !may[action] {
				t.Errorf("it may not %s", action)
			}
		}
	})
}
