package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"headroom/internal/adapter/tasks"
	"headroom/internal/handler/archivist"
)

func TestATaskMayAssumeItsJobsRoleAndReport(t *testing.T) {
	want := map[string][]string{"sqs:SendMessage": {"<DecommissionStepsQueue>"}, "sts:AssumeRole": {"<ArchivistJobRole>"}}
	forEachStage(t, func(t *testing.T, a assembly) {
		if diff := gocmp.Diff(want, a.may("ArchivistTaskRole")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		for id, role := range a.control.of("AWS::IAM::Role") {
			if strings.HasPrefix(id, "ArchivistJobRole") {
				trusts := list(at(role.Properties, "AssumeRolePolicyDocument", "Statement"))
				if by := referred(at(trusts[0], "Principal", "AWS")); len(trusts) != 1 || !strings.HasPrefix(by, "ArchivistTaskRole") {
					t.Errorf("it is assumed by %v", trusts)
				}
			}
		}
	})
}

func TestAJobMayDoThisAndNoMore(t *testing.T) {
	want := map[string][]string{
		"s3:ListBucket":                 {"<ArchiveBucket>", share},
		"s3:ListBucketVersions":         {share},
		"s3:GetObjectVersion":           {"<ArchiveBucket>/*.*/*", share + "/*"},
		"s3:ListBucketMultipartUploads": {"<ArchiveBucket>"},
		"s3:AbortMultipartUpload":       {"<ArchiveBucket>/*.*/*"},
		"s3:GetObject":                  {"<ArchiveBucket>/*.*/*"},
		"s3:PutObject":                  {"<ArchiveBucket>/*.*/*"},
		"s3:PutObjectTagging":           {"<ArchiveBucket>/*.*/* if StringEquals s3:RequestObjectTag/headroom:archive attempt"},
		"kms:Decrypt":                   {"<ArchivesKey>" + throughS3, "<HostsKey>" + throughS3, "<SecretsKey>" + throughVault},
		"kms:GenerateDataKey":           {"<ArchivesKey>" + throughS3},
		"secretsmanager:GetSecretValue": {copierSecrets},
	}
	forEachStage(t, func(t *testing.T, a assembly) {
		if diff := gocmp.Diff(want, a.may("ArchivistJobRole")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestWhoStartsTasksMayDoThisAndNoMore(t *testing.T) {
	const images = "ecr:::repository/cdk-hnb659fds-container-assets--"
	want := map[string][]string{
		"ecr:GetAuthorizationToken":       {"*"},
		"ecr:BatchCheckLayerAvailability": {images},
		"ecr:GetDownloadUrlForLayer":      {images},
		"ecr:BatchGetImage":               {images},
		"logs:CreateLogStream":            {"<ArchivistLogs>"},
		"logs:PutLogEvents":               {"<ArchivistLogs>"},
	}
	forEachStage(t, func(t *testing.T, a assembly) {
		if diff := gocmp.Diff(want, a.may("ArchivistExecutionRole")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// tasksOf are the definitions of tasks by how their families end.
func (a assembly) tasksOf() map[string]map[string]any {
	found := map[string]map[string]any{}
	for _, d := range a.control.of("AWS::ECS::TaskDefinition") {
		found[strings.TrimPrefix(fmt.Sprint(d.Properties["Family"]), "headroom-"+a.stage.Name+"-")] = d.Properties
	}
	return found
}

func TestTasksAreAsTheirProgramExpects(t *testing.T) {
	type size struct {
		memory string
		disk   float64
	}
	sizes := map[string]size{archivistName: {"8192", 200}, restorerName: {"4096", 21}}
	forEachStage(t, func(t *testing.T, a assembly) {
		definitions := a.tasksOf()
		if definitions[archivistName] == nil || len(a.control.of("AWS::ECS::Cluster")) != 1 || len(a.control.of("AWS::ECS::Service")) != 0 {
			t.Fatalf("%d definitions", len(definitions))
		}
		for name, p := range definitions {
			want, known := sizes[name]
			if !known {
				continue // another program's
			}
			if p["Cpu"] != "2048" || p["Memory"] != want.memory || p["NetworkMode"] != "awsvpc" {
				t.Errorf("%s has %v units, %v MiB, network %v", name, p["Cpu"], p["Memory"], p["NetworkMode"])
			}
			if at(p, "RuntimePlatform", "CpuArchitecture") != "ARM64" || at(p, "EphemeralStorage", "SizeInGiB") != want.disk {
				t.Errorf("%s: %v, %v", name, p["RuntimePlatform"], p["EphemeralStorage"])
			}
			containers, _ := p["ContainerDefinitions"].([]any)
			if len(containers) != 1 {
				t.Fatalf("%d containers", len(containers))
			}
			c := containers[0]
			for key, want := range map[string]any{
				"Name": "archivist", "ReadonlyRootFilesystem": true, "User": "postgres", "StopTimeout": 120.0, "Essential": true, "Privileged": nil,
			} {
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
			wanted := append(wantedVariables(reflect.TypeFor[archivist.Environment]()), "JOB_ROLE_ARN")
			if name == archivistName {
				wanted = append(wanted, "ARCHIVE_KEY_ARN")
			}
			for _, name := range wanted {
				if !slices.Contains(variables, name) {
					t.Errorf("environment %q, and it wants %s", variables, name)
				}
			}
			logs := a.control.Resources[referred(at(c, "LogConfiguration", "Options", "awslogs-group"))]
			if logs.Type != "AWS::Logs::LogGroup" || at(logs.Properties, "RetentionInDays") == nil {
				t.Errorf("it logs to %v", at(c, "LogConfiguration"))
			}
		}
		for id, role := range a.control.of("AWS::IAM::Role") {
			document, _ := json.Marshal(at(role.Properties, "AssumeRolePolicyDocument"))
			if strings.Contains(string(document), "ecs-tasks") != ofTasks.MatchString(id) {
				t.Errorf("%s is taken by %s", id, document)
			}
			if strings.Contains(string(document), "ecs-tasks") && !strings.Contains(string(document), `"aws:SourceAccount":{"Ref":"AWS::AccountId"}`) {
				t.Errorf("%s is taken for other accounts: %s", id, document)
			}
		}
	})
}

// ofTasks are the roles that tasks have.
var ofTasks = regexp.MustCompile(`^(Archivist|Prober|Restorer)(Task|Execution)Role`)

// Tasks reach AWS, databases and shares, and only databases let all of them in.
func TestTasksReachWhatTheyCopy(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		id := referred(a.variablesOf("decommission")["ARCHIVIST_GROUP"])
		group := a.control.Resources[id]
		var ports []string
		for _, rule := range list(group.Properties["SecurityGroupEgress"]) {
			ports = append(ports, fmt.Sprint(at(rule, "FromPort"), " ", at(rule, "CidrIp")))
		}
		slices.Sort(ports)
		if want := []string{"2049 " + a.stage.NetworkCIDR, "443 0.0.0.0/0", "5432 " + a.stage.NetworkCIDR}; !slices.Equal(ports, want) {
			t.Errorf("tasks reach %q, want %q", ports, want)
		}
		endpoints := 0
		for _, rule := range a.control.of("AWS::EC2::SecurityGroupIngress") {
			if referred(rule.Properties["SourceSecurityGroupId"]) == id {
				restored := strings.HasPrefix(referred(rule.Properties["GroupId"]), "NetworkRestored") && rule.Properties["FromPort"] == 5432.0
				if !restored {
					endpoints++
				}
				if !restored && rule.Properties["FromPort"] != 443.0 {
					t.Errorf("tasks are let in by %v", rule.Properties)
				}
			}
		}
		if endpoints != 1 {
			t.Errorf("%d groups of endpoints let tasks in", endpoints)
		}
		if rules := fmt.Sprint(at(group.Properties, "SecurityGroupIngress")); rules != "<nil>" {
			t.Errorf("tasks are reached by %s", rules)
		}
		in := 0
		for _, rule := range list(a.database.Resources["SecurityGroup"].Properties["SecurityGroupIngress"]) {
			if referred(at(rule, "SourceSecurityGroupId")) == "ArchivistSecurityGroupId" && at(rule, "FromPort") == 5432.0 {
				in++
			}
		}
		if in != 1 || !strings.Contains(fmt.Sprint(a.variablesOf("poolcheck")["DATABASE_STACK_PARAMETERS"]), id) {
			t.Errorf("%d rules of a database let tasks in", in)
		}
		services := map[string]bool{}
		for _, e := range a.control.of("AWS::EC2::VPCEndpoint") {
			name := plain(e.Properties["ServiceName"])
			_, service, _ := strings.Cut(name, "<AWS::Region>.")
			services[service] = true
		}
		for _, needed := range []string{"ecr.api", "ecr.dkr", "ecs", "logs", "s3", "secretsmanager", "sqs", "sts"} {
			if !services[needed] {
				t.Errorf("there is no endpoint of %s", needed)
			}
		}
	})
}

// wantedVariables are the variables that a program does not do without, but for its job, which it is run with, and
// for those of ECS's own.
func wantedVariables(environment reflect.Type) []string {
	var names []string
	for i := range environment.NumField() {
		name, rest, _ := strings.Cut(environment.Field(i).Tag.Get("env"), ",")
		if strings.Contains(rest, "required") && name != tasks.JobVariable && !strings.HasPrefix(name, "ECS_") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
