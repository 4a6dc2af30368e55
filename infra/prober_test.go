package main

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"headroom/internal/handler/archivist"
)

// A task that looks into a share reaches nobody's data: it may say what it found, and that is all.
func TestTheProberMayReportAndNothingElse(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		if diff := gocmp.Diff(map[string][]string{"sqs:SendMessage": {"<RepairStepsQueue>"}}, a.may("ProberTaskRole")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		group := a.control.Resources[referred(a.variablesOf("hostrepair")["PROBER_GROUP"])]
		var ports []string
		for _, rule := range list(group.Properties["SecurityGroupEgress"]) {
			ports = append(ports, fmt.Sprint(at(rule, "FromPort"), " ", at(rule, "CidrIp")))
		}
		slices.Sort(ports)
		if want := []string{"2049 " + a.stage.NetworkCIDR, "443 0.0.0.0/0"}; !slices.Equal(ports, want) || at(group.Properties, "SecurityGroupIngress") != nil {
			t.Errorf("it reaches %q, want %q", ports, want)
		}
	})
}

func TestTheProberIsAsItsProgramExpects(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		d := a.control.Resources[referred(a.variablesOf("hostrepair")["PROBER_TASK"])]
		containers := list(d.Properties["ContainerDefinitions"])
		if d.Properties["Family"] != "headroom-"+a.stage.Name+"-prober" || len(containers) != 1 {
			t.Fatalf("it is %v", d.Properties)
		}
		c := containers[0]
		for key, want := range map[string]any{"Name": plain(a.variablesOf("hostrepair")["PROBER_CONTAINER"]), "ReadonlyRootFilesystem": true, "User": "65534:65534"} {
			if at(c, key) != want {
				t.Errorf("%s is %v", key, at(c, key))
			}
		}
		if !strings.Contains(plain(at(c, "Image")), "container-assets-") {
			t.Errorf("image %v", at(c, "Image"))
		}
		var variables []string
		for _, v := range list(at(c, "Environment")) {
			variables = append(variables, fmt.Sprint(at(v, "Name")))
		}
		if want := wantedVariables(reflect.TypeFor[archivist.ProberEnvironment]()); !slices.Equal(variables, want) {
			t.Errorf("environment %q, and it wants %q", variables, want)
		}
	})
}
