package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"headroom/internal/pool"
)

func TestADatabaseHostLetsInEachGivenNetwork(t *testing.T) {
	tpl := assemblies["dev"].database
	for networks := 1; networks <= maxNetworks; networks++ {
		var given []string
		for n := range networks {
			given = append(given, fmt.Sprintf("10.%d.0.0/16", n))
		}
		parameters := map[string]string{"InstanceNetworks": strings.Join(given, ",")}
		var letIn []string
		for _, rule := range at(tpl.Resources["SecurityGroup"].Properties, "SecurityGroupIngress").([]any) {
			if choice, ok := at(rule, "Fn::If").([]any); ok {
				if !holds(t, tpl, tpl.Conditions[choice[0].(string)], parameters) {
					continue
				}
				rule = choice[1]
			}
			if at(rule, "IpProtocol") != "tcp" || at(rule, "FromPort") != float64(postgresPort) || at(rule, "ToPort") != float64(postgresPort) {
				t.Errorf("rule %v", rule)
			}
			if network := at(rule, "CidrIp"); network != nil {
				letIn = append(letIn, text(t, network, parameters))
			}
		}
		if !slices.Equal(letIn, given) {
			t.Errorf("networks %v given, %v let in", given, letIn)
		}
	}
}

// However many connections its tenants have, all signups that may be in work get in to the instance that
// is being filled.
func TestTenantsLeaveConnectionsToHeadroom(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		inWork := 0.0
		for _, mapping := range a.control.of("AWS::Lambda::EventSourceMapping") {
			if function := a.control.Resources[referred(at(mapping.Properties, "FunctionName"))]; function.Properties["FunctionName"] == "headroom-"+a.stage.Name+"-signup" {
				batch, _ := mapping.Properties["BatchSize"].(float64)
				atOnce, _ := at(mapping.Properties, "ScalingConfig", "MaximumConcurrency").(float64)
				inWork += batch * atOnce
			}
		}
		parameters := a.database.Resources["ParameterGroup"].Properties["Parameters"]
		connections, err := strconv.Atoi(fmt.Sprint(at(parameters, "max_connections")))
		if err != nil || inWork == 0 {
			t.Fatalf("connections %v, signups in work %v", parameters, inWork)
		}
		for _, function := range []string{"signup", "poolcheck"} {
			slots, err := strconv.Atoi(fmt.Sprint(a.variablesOf(function)["DATABASE_SLOTS"]))
			if err != nil || slots*pool.TenantConnections+int(inWork) > connections || (slots+1)*pool.TenantConnections+int(inWork) <= connections {
				t.Errorf("%s lets a policy ask for %d slots, of %d connections with %v signups in work: %v", function, slots, connections, inWork, err)
			}
		}
	})
}

// What one tenant takes leaves its neighbours some of it.
func TestATenantLeavesItsNeighboursRoom(t *testing.T) {
	const seen = 46_000 // locks that one transaction took
	if tenantSessions != pool.TenantConnections {
		t.Errorf("a tenant may have %d connections, and %d are reckoned with", pool.TenantConnections, tenantSessions)
	}
	forEachStage(t, func(t *testing.T, a assembly) {
		parameters := a.database.Resources["ParameterGroup"].Properties["Parameters"]
		number := func(name string) int {
			n, err := strconv.Atoi(at(parameters, name).(string))
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if locks := number("max_locks_per_transaction") * number("max_connections"); locks < 2*seen {
			t.Errorf("room for %d locks", locks)
		}
		if spilled := number("temp_file_limit") * pool.TenantConnections; spilled > a.stage.Databases.StorageGiB<<20/2 {
			t.Errorf("a tenant may spill %d MiB of %d GiB", spilled>>10, a.stage.Databases.StorageGiB)
		}
	})
}

func TestABadNetworkFailsAHostBeforeItsInstance(t *testing.T) {
	tpl := assemblies["prod"].database
	if n := len(tpl.of("AWS::EC2::SecurityGroupIngress")); n != 0 {
		t.Errorf("%d rules that the instance does not wait for", n)
	}
	groups := at(tpl.Resources["Instance"].Properties, "VPCSecurityGroups").([]any)
	if len(groups) != 1 || referred(groups[0]) != "SecurityGroup" {
		t.Errorf("the instance is in groups %v", groups)
	}
}

func TestOnlyNetworksThatThereCanBeAreTaken(t *testing.T) {
	tests := map[string]bool{
		"10.40.0.0/16":                        true,
		"10.0.0.0/8,172.16.0.0/12,1.2.3.4/32": true,
		"255.255.255.255/32":                  true,
		"0.0.0.0/0":                           false,
		"10.0.0.0/7":                          false,
		"10.0.0.0/33":                         false,
		"300.1.1.1/16":                        false,
		"10.256.0.0/16":                       false,
		"010.0.0.0/8":                         false,
		"10.0.0/16":                           false,
		"10.0.0.0":                            false,
		"10.0.0.0/8,":                         false,
		"":                                    false,
		"10.0.0.0/8,10.1.0.0/16,10.2.0.0/16,10.3.0.0/16,10.4.0.0/16": false,
	}
	forEachStage(t, func(t *testing.T, a assembly) {
		for name, tpl := range map[string]template{"control": a.control, "database-host": a.database} {
			pattern, _ := tpl.Parameters["InstanceNetworks"]["AllowedPattern"].(string)
			// CloudFormation wants the whole value to match.
			whole, err := regexp.Compile(`^(?:` + pattern + `)$`)
			if err != nil || pattern == "" {
				t.Fatalf("pattern %q of %s: %v", pattern, name, err)
			}
			for networks, want := range tests {
				if whole.MatchString(networks) != want {
					t.Errorf("%s takes %q: %v", name, networks, !want)
				}
			}
		}
	})
}

func TestADatabaseIsPrivateEncryptedAndSpeaksTLS(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		instance := a.database.Resources["Instance"].Properties
		want := map[string]any{
			"StorageEncrypted": true, "PubliclyAccessible": false, "ManageMasterUserPassword": true, "CopyTagsToSnapshot": true,
			"MultiAZ": a.stage.Databases.MultiZone, "DeletionProtection": a.stage.Databases.DeletionProtection,
			"BackupRetentionPeriod": float64(a.stage.RestoreDays),
		}
		for property, value := range want {
			if got := instance[property]; got != value {
				t.Errorf("%s is %v, want %v", property, got, value)
			}
		}
		parameters := a.database.Resources["ParameterGroup"].Properties["Parameters"]
		if at(parameters, "rds.force_ssl") != "1" || at(parameters, "log_statement") != "none" {
			t.Errorf("parameters %v", parameters)
		}
	})
}

func TestAlarmsBearTheNamesThatTheRuleMatches(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		alarms := a.database.of("AWS::CloudWatch::Alarm")
		if len(alarms) != databaseAlarms {
			t.Errorf("%d alarms, want %d", len(alarms), databaseAlarms)
		}
		for id, alarm := range alarms {
			if name, _ := at(alarm.Properties, "AlarmName", "Fn::Sub").(string); !strings.HasPrefix(name, "headroom-${Stage}-${HostId}-") {
				t.Errorf("%s is named %s", id, name)
			}
			dimensions := at(alarm.Properties, "Dimensions").([]any)
			if len(dimensions) != 1 || at(dimensions[0], "Name") != "DBInstanceIdentifier" {
				t.Errorf("%s has dimensions %v", id, dimensions)
			}
		}
		for id, alarm := range a.control.of("AWS::CloudWatch::Alarm") {
			if name, _ := alarm.Properties["AlarmName"].(string); strings.HasPrefix(name, "headroom-"+a.stage.Name+"-"+string(pool.Database)) || !strings.HasPrefix(name, "headroom-"+a.stage.Name+"-") {
				t.Errorf("%s is named %s, as if it were a host's", id, name)
			}
		}
	})
}

func TestADatabaseIsPlacedUnlessItHasAStandby(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		instance := a.database.Resources["Instance"].Properties
		placed := referred(instance["AvailabilityZone"]) == "AvailabilityZone"
		if standby := instance["MultiAZ"] == true; placed == standby {
			t.Errorf("it is placed: %t, it has a standby: %t; RDS refuses both", placed, standby)
		}
		if tags, _ := instance["Tags"].([]any); len(tags) != 1 || at(tags[0], "Key") != "headroom:order" || referred(at(tags[0], "Value")) != "OrderMark" {
			t.Errorf("tags %v", instance["Tags"])
		}
	})
}
