package main

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// plain words a value of a template: what it refers to in brackets.
func plain(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case map[string]any:
		if join, ok := v["Fn::Join"].([]any); ok {
			text := ""
			for _, part := range join[1].([]any) {
				text += plain(part)
			}
			return text
		}
		if get, ok := v["Fn::GetAtt"].([]any); ok && get[1] != "Arn" {
			return fmt.Sprintf("<%v.%v>", get[0], get[1])
		}
		if sub, ok := v["Fn::Sub"].(string); ok {
			return substituted.ReplaceAllString(sub, "<$1>")
		}
		return "<" + referred(v) + ">"
	}
	return fmt.Sprint(v)
}

// substituted is a place in a text that CloudFormation fills.
var substituted = regexp.MustCompile(`\$\{([^}]+)\}`)

// hashed is the end of a logical id that CDK makes.
var hashed = regexp.MustCompile(`[0-9A-F]{8}(>|\b)`)

// may is what a role is allowed, by action: on what, and when.
func (a assembly) may(role string) map[string][]string {
	may := map[string][]string{}
	short := strings.NewReplacer(
		"arn:<AWS::Partition>:", "", "<AWS::Region>", "", "<AWS::AccountId>", "", "headroom-"+a.stage.Name, "headroom-STAGE",
		"headroom/"+a.stage.Name, "headroom/STAGE", ".<AWS::URLSuffix>", "",
	)
	for _, s := range identityStatements("control", a.control) {
		if !strings.HasPrefix(s.where, "control/"+role) || s.effect != "Allow" {
			continue
		}
		var when []string
		operators, _ := s.when.(map[string]any)
		for operator, keys := range operators {
			for key, values := range keys.(map[string]any) {
				var words []string
				for _, v := range list(values) {
					words = append(words, short.Replace(plain(v)))
				}
				when = append(when, fmt.Sprintf("%s %s %s", operator, key, strings.Join(words, "|")))
			}
		}
		slices.Sort(when)
		for _, action := range s.actions {
			for _, r := range s.resources {
				grant := hashed.ReplaceAllString(short.Replace(plain(r)), "$1")
				if len(when) > 0 {
					grant += " if " + strings.ReplaceAll(hashed.ReplaceAllString(strings.Join(when, " and "), "$1"), a.stage.Name, "STAGE")
				}
				may[action] = append(may[action], grant)
			}
		}
	}
	for _, grants := range may {
		slices.Sort(grants)
	}
	return may
}

const (
	share         = "s3:::headroom-STAGE-share-*"
	throughS3     = " if StringEquals kms:ViaService s3."
	throughVault  = " if StringEquals kms:ViaService secretsmanager."
	inTheCluster  = " if ArnEquals ecs:cluster <ArchivistCluster>"
	copierSecrets = "secretsmanager:::secret:headroom/STAGE/copier/*"
)

// What departures share with signups is tested with those.
func TestWhoDestroysMayDoThisAndNoMore(t *testing.T) {
	const mode, tag = " if StringEquals s3:object-lock-mode GOVERNANCE", " if StringEquals s3:RequestObjectTag/headroom:archive deep|kept"
	ours := " if StringEquals aws:ResourceTag/headroom:stage STAGE"
	gateways := "ec2:::security-group/*" + ours + " and StringLike aws:ResourceTag/headroom:host share-*"
	want := map[string][]string{
		"s3:AbortMultipartUpload":           {share + "/*"},
		"s3:DeleteObjectVersion":            {"<ReportBucket>/*", share + "/*"},
		"s3:GetBucketTagging":               {share},
		"s3:GetObject":                      {"<ArchiveBucket>/*/certificate.json", "<ReportBucket>/*"},
		"s3:GetObjectVersion":               {"<ArchiveBucket>/*.manifest.jsonl", "<ArchiveBucket>/*/certificate.json"},
		"s3:ListBucket":                     {"<ArchiveBucket>", "<ReportBucket>"},
		"s3:ListBucketMultipartUploads":     {share},
		"s3:ListBucketVersions":             {"<ReportBucket>", share},
		"s3:PutBucketTagging":               {share},
		"s3:PutObject":                      {"<ArchiveBucket>/*/certificate.json"},
		"s3:PutObjectRetention":             {"<ArchiveBucket>/*.*/*" + mode},
		"s3:PutObjectVersionTagging":        {"<ArchiveBucket>/*.*/*" + tag},
		"storagegateway:StartCacheReport":   {"storagegateway:::share/*" + ours},
		"ecs:RunTask":                       {"<ArchivistTask>" + inTheCluster},
		"ecs:StopTask":                      {"ecs:::task/headroom-STAGE/*" + inTheCluster},
		"ecs:DescribeTasks":                 {"ecs:::task/headroom-STAGE/*" + inTheCluster},
		"ecs:TagResource":                   {"ecs:::task/headroom-STAGE/* if StringEquals ecs:CreateAction RunTask"},
		"secretsmanager:CreateSecret":       {copierSecrets},
		"secretsmanager:TagResource":        {copierSecrets},
		"secretsmanager:DeleteSecret":       {copierSecrets, "secretsmanager:::secret:headroom/STAGE/tenant/*"},
		"ec2:AuthorizeSecurityGroupIngress": {gateways},
		"ec2:RevokeSecurityGroupIngress":    {gateways},
		"sqs:SendMessage":                   {"<DecommissionDeadLetters>", "<DecommissionStepsQueue>", "<PoolCheckQueue>", "<RestoreStepsQueue>"},
	}
	forEachStage(t, func(t *testing.T, a assembly) {
		may := a.may("DeparturesRole")
		got := map[string][]string{}
		for action, grants := range may {
			service, _, _ := strings.Cut(action, ":")
			if _, listed := want[action]; listed || service == "s3" || service == "ecs" {
				got[action] = grants
			}
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// Only tasks that ended, of our cluster, and uploads, come to departures.
func TestDeparturesHearOfTasksAndUploads(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		heard := map[string]string{}
		for _, rule := range a.control.of("AWS::Events::Rule") {
			source := fmt.Sprint(list(at(rule.Properties, "EventPattern", "source"))[0])
			target := referred(at(list(rule.Properties["Targets"])[0], "Arn"))
			if !strings.HasPrefix(target, "DecommissionStepsQueue") {
				continue
			}
			detail := at(rule.Properties, "EventPattern", "detail")
			heard[source] = hashed.ReplaceAllString(plain(list(cmp.Or(at(detail, "clusterArn"), any("")))[0])+
				fmt.Sprint(cmp.Or(at(detail, "lastStatus"), any(""))), "$1")
		}
		want := map[string]string{"aws.ecs": "<ArchivistCluster>[STOPPED]", "aws.storagegateway": ""}
		if diff := gocmp.Diff(want, heard); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestHowManyAreCopiedAtOnceIsBounded(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		p := a.control.Parameters["ArchivesAtOnce"]
		if p["Default"] != 4.0 || p["MinValue"] != 1.0 || p["MaxValue"] != 50.0 || referred(a.variablesOf("decommission")["ARCHIVES_AT_ONCE"]) != "ArchivesAtOnce" {
			t.Errorf("%v", p)
		}
	})
}

// What the certificate says of logs has to be so.
func TestTheCertificateKnowsForHowLongLogsAreKept(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		kept := map[string]bool{}
		for _, group := range a.control.of("AWS::Logs::LogGroup") {
			kept[fmt.Sprint(group.Properties["RetentionInDays"])] = true
		}
		for _, f := range a.control.of("AWS::Lambda::Function") {
			if said := at(f.Properties, "Environment", "Variables", "LOG_DAYS"); said != nil && (len(kept) != 1 || !kept[fmt.Sprint(said)]) {
				t.Errorf("it says %v days, and logs are kept %v", said, kept)
			}
		}
	})
}
