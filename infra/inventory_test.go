package main

import (
	"slices"
	"strings"
	"testing"

	"headroom/internal/pool"
	"headroom/internal/pool/inventory"
)

// Whoever compares AWS with the ledger knows by name which alarms a host is to have.
func TestEveryAlarmOfAHostIsLookedFor(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		for kind, hosts := range map[pool.Kind]template{pool.Database: a.database, pool.Share: a.share} {
			var names []string
			for _, alarm := range hosts.of("AWS::CloudWatch::Alarm") {
				names = append(names, strings.TrimPrefix(plain(alarm.Properties["AlarmName"]), "headroom-<Stage>-<HostId>-"))
			}
			slices.Sort(names)
			if !slices.Equal(names, inventory.AlarmNames(kind)) {
				t.Errorf("%s hosts have the alarms %q, and these are looked for: %q", kind, names, inventory.AlarmNames(kind))
			}
		}
	})
}

// Who looks at the inventory reads names, states and tags: no value, no object, no row.
func TestTheInventoryIsLookedAtAndNotInto(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		for _, s := range identityStatements("control", a.control) {
			if !strings.HasPrefix(s.where, "control/CommandReads") {
				continue
			}
			for _, action := range s.actions {
				_, verb, _ := strings.Cut(action, ":")
				reads := strings.HasPrefix(verb, "Describe") || strings.HasPrefix(verb, "List") || strings.HasPrefix(verb, "Get") || strings.HasPrefix(verb, "BatchGet") || verb == "Query" || verb == "Scan" || verb == "FilterLogEvents" || verb == "Decrypt"
				if !reads && action != "sqs:ReceiveMessage" && action != "sqs:ChangeMessageVisibility" {
					t.Errorf("who may look may %s", action)
				}
				if action == "secretsmanager:GetSecretValue" || action == "s3:GetObject" || action == "s3:ListBucket" {
					t.Errorf("who may look may look into what is tenants': %s", action)
				}
			}
		}
	})
}
