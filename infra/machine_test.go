package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// referring lists where in a part of a template something refers to a logical id: by Ref, Fn::GetAtt,
// Fn::Sub or DependsOn.
func referring(v any, id, path string) (found []string) {
	switch v := v.(type) {
	case []any:
		for i, element := range v {
			found = append(found, referring(element, id, fmt.Sprint(path, "/", i))...)
		}
	case map[string]any:
		for key, element := range v {
			at := path + "/" + key
			switch key {
			case "Ref", "DependsOn":
				if slices.Contains(list(element), any(id)) {
					found = append(found, at)
				}
			case "Fn::GetAtt":
				if name, _, _ := strings.Cut(fmt.Sprint(list(element)[0]), "."); name == id {
					found = append(found, at)
				}
			case "Fn::Sub":
				text := fmt.Sprint(list(element)[0])
				if strings.Contains(text, "${"+id+"}") || strings.Contains(text, "${"+id+".") {
					found = append(found, at)
				}
			}
			found = append(found, referring(element, id, at)...)
		}
	}
	slices.Sort(found)
	return found
}

func TestReferencesAreFound(t *testing.T) {
	template := map[string]any{
		"a": map[string]any{"Ref": "Machine"}, "b": map[string]any{"Fn::GetAtt": []any{"Machine", "PrivateIp"}},
		"c": []any{map[string]any{"Fn::GetAtt": "Machine.PrivateIp"}}, "d": map[string]any{"Fn::Sub": "x-${Machine}"},
		"e": map[string]any{"Fn::Sub": []any{"${Machine.PrivateIp}", map[string]any{}}},
		"f": map[string]any{"DependsOn": []any{"Other", "Machine"}}, "g": map[string]any{"Ref": "MachineRole"},
	}
	want := []string{"/a/Ref", "/b/Fn::GetAtt", "/c/0/Fn::GetAtt", "/d/Fn::Sub", "/e/Fn::Sub", "/f/DependsOn"}
	if diff := cmp.Diff(want, referring(template, "Machine", "")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// whole is a template with all that it says.
func whole(t *testing.T, tpl template) map[string]any {
	t.Helper()
	var all map[string]any
	if err := json.Unmarshal(tpl.text, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestAGatewaysMachineCanBeReplaced(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		machine := a.share.Resources["Machine"]
		for wanted, n := range map[string]int{"true": 1, "false": 0} {
			parameters := map[string]string{"HasMachine": wanted, "Slots": "1", "Side": "A"}
			if got := made(t, a.share, "AWS::EC2::Instance", parameters); got != n {
				t.Errorf("HasMachine %s: %d machines", wanted, got)
			}
			for _, kind := range []string{"AWS::EC2::NetworkInterface", "AWS::EC2::Volume", "AWS::EC2::SecurityGroup", "AWS::Route53::RecordSet"} {
				if got := made(t, a.share, kind, parameters); got != 1 {
					t.Errorf("HasMachine %s: %d of %s", wanted, got, kind)
				}
			}
		}
		if a.share.Parameters["HasMachine"]["Default"] != "true" {
			t.Error("an order has to say that it wants a machine")
		}
		want := []string{"/Outputs/MachineId/Value/Ref", "/Resources/StatusAlarm/Properties/Dimensions/0/Value/Ref"}
		if diff := cmp.Diff(want, referring(whole(t, a.share), "Machine", "")); diff != "" {
			t.Errorf("what refers to the machine (-want +got):\n%s", diff)
		}
		if a.share.Outputs["MachineId"]["Condition"] != machine.Condition {
			t.Errorf("output MachineId is under %v, the machine under %s", a.share.Outputs["MachineId"]["Condition"], machine.Condition)
		}
		if n := len(a.share.of("AWS::EC2::VolumeAttachment")); n != 0 {
			t.Errorf("%d attachments would end with the machine", n)
		}
	})
}

func TestAGatewaysAddressOutlivesItsMachine(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		on, _ := a.share.Resources["Machine"].Properties["NetworkInterfaces"].([]any)
		if len(on) != 1 || referred(at(on[0], "NetworkInterfaceId")) != "Interface" || at(on[0], "DeviceIndex") != "0" {
			t.Errorf("the machine is on %v", on)
		}
		for _, property := range []string{"SubnetId", "SecurityGroupIds"} { // EC2 refuses them beside an interface
			if v := a.share.Resources["Machine"].Properties[property]; v != nil {
				t.Errorf("the machine has %s %v", property, v)
			}
		}
		network := a.share.Resources["Interface"]
		groups, _ := network.Properties["GroupSet"].([]any)
		if network.Condition != "" || referred(network.Properties["SubnetId"]) != "SubnetId" || len(groups) != 1 || referred(groups[0]) != "SecurityGroup" {
			t.Errorf("the interface is %+v", network)
		}
		records, _ := a.share.Resources["Record"].Properties["ResourceRecords"].([]any)
		for what, address := range map[string]any{
			"the name": records[0], "output ApplianceAddress": a.share.Outputs["ApplianceAddress"]["Value"],
		} {
			if !cmp.Equal(address, map[string]any{"Fn::GetAtt": []any{"Interface", "PrimaryPrivateIpAddress"}}) {
				t.Errorf("%s stands for %v", what, address)
			}
		}
		if zone := referred(a.share.Resources["Cache"].Properties["AvailabilityZone"]); zone != "AvailabilityZone" {
			t.Errorf("the cache is in the zone of %s", zone)
		}
		for name, of := range map[string]string{"CacheVolumeId": "Cache", "InterfaceId": "Interface", "MachineId": "Machine"} {
			if referred(a.share.Outputs[name]["Value"]) != of {
				t.Errorf("output %s is %v", name, a.share.Outputs[name])
			}
		}
	})
}

func TestOnlyTheStagesVolumesAreAttached(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		got := map[string]string{}
		for _, s := range identityStatements("control", a.control) {
			who, _, _ := strings.Cut(strings.TrimPrefix(s.where, "control/"), "Role")
			for _, action := range s.actions {
				if action != "ec2:AttachVolume" && action != "ec2:DetachVolume" && action != "kms:CreateGrant" {
					continue
				}
				conditions, _ := s.when.(map[string]any)
				var keys []string
				for _, values := range conditions {
					keys = append(keys, slices.Collect(maps.Keys(values.(map[string]any)))...)
				}
				slices.Sort(keys)
				got[who+" "+action] = strings.Join(keys, " ")
			}
		}
		want := map[string]string{
			"HostSteps ec2:AttachVolume":      "aws:ResourceTag/headroom:stage",
			"HostSteps kms:CreateGrant":       "kms:GrantIsForAWSResource kms:ViaService",
			"HostRepairs ec2:AttachVolume":    "aws:ResourceTag/headroom:stage",
			"HostRepairs ec2:DetachVolume":    "aws:ResourceTag/headroom:stage",
			"HostRepairs kms:CreateGrant":     "kms:GrantIsForAWSResource kms:ViaService",
			"Restores kms:CreateGrant":        "kms:ViaService",
			"HostStacksStack kms:CreateGrant": "kms:GrantIsForAWSResource",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("who may, under which conditions (-want +got):\n%s", diff)
		}
	})
}
