package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"headroom/events"
	"headroom/internal/handler/auditcopy"
	"headroom/internal/handler/decommission"
	"headroom/internal/handler/hostrepair"
	"headroom/internal/handler/instancechange"
	"headroom/internal/handler/poolcheck"
	"headroom/internal/handler/reconcile"
	"headroom/internal/handler/recovery"
	"headroom/internal/handler/restore"
	"headroom/internal/handler/signup"
	"headroom/internal/handler/stackcomplete"
	"headroom/internal/hostalarm"
	"headroom/internal/pool"
)

func TestTheTableCannotBeLost(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		table, ok := a.control.Resources["Table"]
		if !ok || table.Type != "AWS::DynamoDB::Table" {
			t.Fatal("no table with the logical id Table: another id would make a new, empty table")
		}
		if table.DeletionPolicy != "Retain" || table.UpdateReplacePolicy != "Retain" {
			t.Errorf("deletion policy %q, replace policy %q, want Retain", table.DeletionPolicy, table.UpdateReplacePolicy)
		}
		for what, got := range map[string]any{
			"deletion protection":    at(table.Properties, "DeletionProtectionEnabled"),
			"point-in-time recovery": at(table.Properties, "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled"),
			"encryption":             at(table.Properties, "SSESpecification", "SSEEnabled"),
		} {
			if got != true {
				t.Errorf("%s is %v", what, got)
			}
		}
		if key := referred(at(table.Properties, "SSESpecification", "KMSMasterKeyId")); key != "LedgerKey" {
			t.Errorf("encrypted with %q, want LedgerKey", key)
		}
	})
}

func TestKeysAreKeptAndRotated(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		keys := a.control.of("AWS::KMS::Key")
		if got, want := slices.Sorted(maps.Keys(keys)), []string{"ArchivesKey", "HostsKey", "LedgerKey", "SecretsKey"}; !slices.Equal(got, want) {
			t.Errorf("keys %v, want %v", got, want)
		}
		for id, key := range keys {
			if key.DeletionPolicy != "Retain" || at(key.Properties, "EnableKeyRotation") != true {
				t.Errorf("%s: deletion policy %s, rotation %v", id, key.DeletionPolicy, at(key.Properties, "EnableKeyRotation"))
			}
		}
	})
}

func TestEveryQueueHasDeadLettersAndAnAlarm(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		queues := a.control.of("AWS::SQS::Queue")
		driven := map[string]bool{} // queues that drive a function
		for _, mapping := range a.control.of("AWS::Lambda::EventSourceMapping") {
			driven[referred(at(mapping.Properties, "EventSourceArn"))] = true
		}
		alarmed := map[string]bool{}
		for _, alarm := range a.control.of("AWS::CloudWatch::Alarm") {
			dimensions, _ := at(alarm.Properties, "Dimensions").([]any)
			for _, d := range dimensions {
				actions, _ := at(alarm.Properties, "AlarmActions").([]any)
				alarmed[referred(at(d, "Value"))] = len(actions) == 1
			}
		}
		for id := range driven {
			redrive := at(queues[id].Properties, "RedrivePolicy")
			dead := referred(at(redrive, "deadLetterTargetArn"))
			if _, ok := queues[dead]; !ok {
				t.Errorf("queue %s has no dead-letter queue", id)
			}
			if n, _ := at(redrive, "maxReceiveCount").(float64); n < 5 {
				t.Errorf("queue %s gives up after %v tries, want 5 or more", id, n)
			}
		}
		for id, queue := range queues {
			if !driven[id] && !alarmed[id] {
				t.Errorf("nobody hears of messages in %s", id)
			}
			if at(queue.Properties, "SqsManagedSseEnabled") != true {
				t.Errorf("queue %s is not encrypted", id)
			}
		}
		if len(driven) != 17 || len(queues) != 35 {
			t.Errorf("%d queues, of which %d drive functions", len(queues), len(driven))
		}
	})
}

func TestMessagesStayHiddenForSixTimeouts(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		for id, mapping := range a.control.of("AWS::Lambda::EventSourceMapping") {
			queue := a.control.Resources[referred(at(mapping.Properties, "EventSourceArn"))]
			function := a.control.Resources[referred(at(mapping.Properties, "FunctionName"))]
			hidden, _ := at(queue.Properties, "VisibilityTimeout").(float64)
			timeout, _ := at(function.Properties, "Timeout").(float64)
			if timeout == 0 || hidden < 6*timeout {
				t.Errorf("%s: visibility timeout %v s, function timeout %v s", id, hidden, timeout)
			}
			if got := at(mapping.Properties, "FunctionResponseTypes"); !cmp.Equal(got, []any{"ReportBatchItemFailures"}) {
				t.Errorf("%s answers %v", id, got)
			}
			if n, _ := at(mapping.Properties, "ScalingConfig", "MaximumConcurrency").(float64); n < 2 {
				t.Errorf("%s has no cap on its concurrency", id)
			}
		}
	})
}

func TestFunctionsAreWiredAsTheirCodeExpects(t *testing.T) {
	environments := map[string]any{
		"signup": signup.Environment{}, "poolcheck": poolcheck.Environment{},
		"stackcomplete": stackcomplete.Environment{}, "rdsalarm": hostalarm.Environment{},
		"instancechange": instancechange.Environment{}, "decommission": decommission.Environment{},
		"gatewayalarm": hostalarm.Environment{}, "hostrepair": hostrepair.Environment{}, "restore": restore.Environment{},
		"reconcile": reconcile.Environment{}, "recovery": recovery.Environment{},
		"auditcopy": auditcopy.Environment{},
	}
	inNetwork := map[string]bool{"rdsalarm": true, "signup": true, "stackcomplete": true, "decommission": true, "hostrepair": true, "restore": true, "recovery": true}
	forEachStage(t, func(t *testing.T, a assembly) {
		functions := a.control.of("AWS::Lambda::Function")
		if len(functions) != len(environments) {
			t.Errorf("%d functions, want %d", len(functions), len(environments))
		}
		for id, f := range functions {
			full, _ := at(f.Properties, "FunctionName").(string)
			name := strings.TrimPrefix(full, "headroom-"+a.stage.Name+"-")
			variables, _ := at(f.Properties, "Environment", "Variables").(map[string]any)
			want := variablesOf(reflect.TypeOf(environments[name]))
			if diff := cmp.Diff(want, slices.Sorted(maps.Keys(variables))); diff != "" {
				t.Errorf("environment of %s (-read +set):\n%s", full, diff)
			}
			if at(f.Properties, "Runtime") != "provided.al2023" || at(f.Properties, "Handler") != "bootstrap" ||
				!cmp.Equal(at(f.Properties, "Architectures"), []any{"arm64"}) || at(f.Properties, "LoggingConfig", "LogFormat") != "JSON" {
				t.Errorf("%s: %v", full, f.Properties)
			}
			if (at(f.Properties, "VpcConfig") != nil) != inNetwork[name] {
				t.Errorf("%s: in the VPC is %t, want %t", full, !inNetwork[name], inNetwork[name])
			}
			logs := a.control.Resources[referred(at(f.Properties, "LoggingConfig", "LogGroup"))]
			if days, _ := at(logs.Properties, "RetentionInDays").(float64); days == 0 {
				t.Errorf("logs of %s (%s) are kept for ever", full, id)
			}
		}
	})
}

// variablesOf are the variables that a function's code reads, but for those of Lambda's own.
func variablesOf(environment reflect.Type) []string {
	var names []string
	for i := range environment.NumField() {
		name, _, _ := strings.Cut(environment.Field(i).Tag.Get("env"), ",")
		if !strings.HasPrefix(name, "LAMBDA_") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func TestLogsAreNotKeptForEver(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		for id, logs := range a.control.of("AWS::Logs::LogGroup") {
			if at(logs.Properties, "RetentionInDays") == nil {
				t.Errorf("%s has no retention", id)
			}
		}
	})
}

func TestRulesNameOnlyWhatIsOfTheirStage(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		rules := a.control.of("AWS::Events::Rule")
		if len(rules) != 8 {
			t.Errorf("%d rules, want 8", len(rules))
		}
		for id, rule := range rules {
			pattern, err := json.Marshal(at(rule.Properties, "EventPattern", "resources"))
			if err != nil {
				t.Fatal(err)
			}
			ours := []byte("headroom-" + a.stage.Name + "-")
			switch at(rule.Properties, "EventPattern", "source").([]any)[0] {
			case "aws.ecs":
				ours = []byte("task/headroom-" + a.stage.Name + "/")
			case "aws.storagegateway":
				ours = []byte("share/") // which have IDs only
			}
			if prefixes := bytes.Count(pattern, ours); prefixes == 0 || prefixes != bytes.Count(pattern, []byte(`"prefix"`)) {
				t.Errorf("%s matches %s", id, pattern)
			}
			for _, target := range at(rule.Properties, "Targets").([]any) {
				if referred(at(target, "DeadLetterConfig", "Arn")) == "" || at(target, "RetryPolicy") == nil {
					t.Errorf("%s: a target without dead letters or retries: %v", id, target)
				}
			}
		}
	})
}

// What RDS says of its instances has the pool check look, and is noted by it, in RDS's words. RDS tells of too many databases by
// a notification (RDS-EVENT-0056).
func TestAnEventOfRDSComesToThePoolCheck(t *testing.T) {
	want := []any{"availability", "deletion", "failover", "failure", "low storage", "notification", "recovery"}
	forEachStage(t, func(t *testing.T, a assembly) {
		heard := 0
		for id, rule := range a.control.of("AWS::Events::Rule") {
			pattern := at(rule.Properties, "EventPattern")
			if source := at(pattern, "source").([]any)[0]; source != "aws.rds" {
				continue
			}
			heard++
			target := list(rule.Properties["Targets"])[0]
			if input := at(target, "Input"); input != nil || !strings.HasPrefix(referred(at(target, "Arn")), "PoolCheckQueue") {
				t.Errorf("%s sends %v to %v", id, input, at(target, "Arn"))
			}
			if types, categories := at(pattern, "detail-type"), at(pattern, "detail", "EventCategories"); !reflect.DeepEqual(types, []any{events.TypeInstanceEvent}) ||
				!reflect.DeepEqual(categories, want) {
				t.Errorf("%s hears %v of %v", id, types, categories)
			}
		}
		if heard != 1 {
			t.Errorf("%d rules hear of RDS's events", heard)
		}
	})
}

// An alarm that is deleted while it is on says OK nevermore: that it was deleted has to be heard (B3).
func TestAlarmsAreHeardOfToTheirEnd(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		heard := map[string]int{}
		for _, rule := range a.control.of("AWS::Events::Rule") {
			types, _ := at(rule.Properties, "EventPattern", "detail-type").([]any)
			for _, detailType := range types {
				heard[detailType.(string)]++
			}
		}
		for detailType, want := range map[string]int{ // of databases' alarms, and of gateways'; of all stacks
			events.TypeAlarmStateChange: 2, events.TypeAlarmConfigurationChange: 2, events.TypeStackStatusChange: 1,
		} {
			if heard[detailType] != want {
				t.Errorf("%d rules hear of a %q, want %d", heard[detailType], detailType, want)
			}
		}
	})
}

func TestPoliciesAreValid(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		for _, parameter := range a.control.of("AWS::SSM::Parameter") {
			document, _ := at(parameter.Properties, "Value").(string)
			parsed, err := pool.ParseDocument([]byte(document), pool.Bounds{DatabaseSlots: a.stage.databaseSlots()})
			if err != nil {
				t.Fatal(err)
			}
			if len(parsed.Pools) != len(a.stage.Pools) || parsed.Terms != a.stage.Terms {
				t.Errorf("%d pools and terms %v, want %d and %v", len(parsed.Pools), parsed.Terms, len(a.stage.Pools), a.stage.Terms)
			}
		}
	})
}

func TestStackStaysWithinLimits(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		for name, template := range a.templates() {
			if n := len(template.Resources); n == 0 || n >= 500 {
				t.Errorf("%s has %d resources, the limit is 500", name, n)
			}
			if n := len(template.text); n > 1<<20 {
				t.Errorf("%s is %d bytes long, the limit is 1 MB", name, n)
			}
		}
	})
}

func TestThePolicyParameterMayGrow(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		for id, parameter := range a.control.of("AWS::SSM::Parameter") {
			if tier := at(parameter.Properties, "Tier"); tier != "Intelligent-Tiering" {
				t.Errorf("%s is of the tier %v, which ends at 4,096 characters", id, tier)
			}
			if n := len(at(parameter.Properties, "Value").(string)); n > 8192 {
				t.Errorf("%s has %d characters, the limit is 8,192", id, n)
			}
		}
	})
}

func TestOutputsAreThere(t *testing.T) {
	want := []string{
		"AlarmsDlqUrl",
		"ArchiveBucketName",
		"AuditCopyDlqUrl",
		"BusName",
		"ChangeStepsDlqUrl",
		"DashboardName",
		"DatabaseSlotsMost",
		"DatabasesProtected",
		"DecommissionDlqUrl",
		"DecommissionQueueUrl",
		"DecommissionStepsDlqUrl",
		"GatewayAlarmsDlqUrl",
		"HostEventsDlqUrl",
		"HostEventsQueueUrl",
		"InstanceChangeDlqUrl",
		"InstanceChangeQueueUrl",
		"NotifyTopicArn",
		"OperatorPolicyArn",
		"PageTopicArn",
		"PolicyParameterName",
		"PoolCheckDlqUrl",
		"PoolCheckQueueUrl",
		"ReadOnlyPolicyArn",
		"ReconcileDlqUrl",
		"RecoverDlqUrl",
		"RecoverQueueUrl",
		"RepairRequestQueueUrl",
		"RepairRequestsDlqUrl",
		"RepairStepsDlqUrl",
		"RestoreDays",
		"RestoreDlqUrl",
		"RestoreQueueUrl",
		"RestoreStepsDlqUrl",
		"SecretsKeyArn",
		"SignupDlqUrl",
		"SignupNetworks",
		"SignupNetworksNot",
		"SignupQueueUrl",
		"SignupStepsDlqUrl",
		"TableName",
		"UndeliveredDlqUrl",
		"ZoneId",
	}
	forEachStage(t, func(t *testing.T, a assembly) {
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(a.control.Outputs))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestSynthesisIsRepeatable(t *testing.T) {
	for _, first := range assemblies {
		second, err := synthesizeForTest(first.stage, filepath.Join(t.TempDir(), "again"))
		if err != nil {
			t.Fatal(err)
		}
		for name, template := range second.templates() {
			if !bytes.Equal(template.text, first.templates()[name].text) {
				t.Errorf("%s %s differs from one synthesis to the next", first.stage.Name, name)
			}
		}
		return // one stage is enough: the program is the same
	}
}

func TestUnknownStageAndMissingCodeAreRefused(t *testing.T) {
	tests := map[string]struct {
		assembly Assembly
		want     string
	}{
		"stage that there is not":      {Assembly{StageName: "elsewhere"}, `no stage "elsewhere"`},
		"functions that are not built": {Assembly{StageName: "dev", CodeDir: "nowhere"}, "has it been built"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.assembly.Outdir = t.TempDir()
			err := synthesize(test.assembly)
			if err == nil || !regexp.MustCompile(regexp.QuoteMeta(test.want)).MatchString(err.Error()) {
				t.Errorf("error %v, want one about %q", err, test.want)
			}
		})
	}
}
