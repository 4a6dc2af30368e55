package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// onAnything are the actions that are granted on all resources, because AWS can't restrict them:
// its service authorization reference knows no resource types for them.
var onAnything = map[string]string{
	"ec2:DescribeNetworkInterfaces":           "Lambda looks for the network interfaces that it made",
	"ec2:DescribeSubnets":                     "Lambda looks at the subnets it is to use",
	"cloudwatch:DescribeAlarms":               "composite alarms are described to those only who may describe all",
	"ec2:DescribeVolumes":                     "a list of the account",
	"ec2:DescribeImages":                      "a list of AWS's",
	"ec2:DescribeInstances":                   "a list of the account",
	"ec2:DescribeInstanceStatus":              "a list of the account",
	"cloudformation:GetTemplateSummary":       "a template is of no stack yet",
	"cloudformation:ListStacks":               "a list of the account",
	"ec2:DescribeSecurityGroups":              "a list of the account",
	"ec2:DescribeSecurityGroupRules":          "a list of the account",
	"s3:ListAllMyBuckets":                     "a list of the account",
	"secretsmanager:ListSecrets":              "a list of the account",
	"storagegateway:ActivateGateway":          "the gateway has no name yet",
	"storagegateway:ListGateways":             "a list of the account",
	"cloudwatch:GetMetricData":                "metrics are no resources",
	"rds:DescribeDBEngineVersions":            "a list of AWS's",
	"rds:DescribeEngineDefaultParameters":     "a list of AWS's",
	"logs:DescribeLogGroups":                  "a list of the account",
	"route53:ListHostedZones":                 "a list of the account",
	"ssm:ListAssociations":                    "a list of the account",
	"servicequotas:GetServiceQuota":           "a quota is of the account, and Service Quotas knows no resources for reading",
	"servicequotas:GetAWSDefaultServiceQuota": "a quota is AWS's",
	"rds:DescribeAccountAttributes":           "counts of the account",
	"cloudformation:DescribeAccountLimits":    "limits of the account",
	"iam:GetAccountSummary":                   "counts of the account",
	"ecr:GetAuthorizationToken":               "a token is of no repository, and opens only those that the role may pull from",
}

type statement struct {
	where     string
	effect    string
	actions   []string
	resources []any
	when      any
}

func TestNoGrantIsWiderThanItMust(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		for name, tpl := range a.templates() {
			for _, s := range identityStatements(name, tpl) {
				if s.effect != "Allow" {
					continue
				}
				for _, action := range s.actions {
					if strings.Contains(action, "*") {
						t.Errorf("%s allows %s", s.where, action)
					}
					for _, r := range s.resources {
						if r == "*" && !mayBeOnAnything(s.where, action) {
							t.Errorf("%s allows %s on everything", s.where, action)
						}
					}
				}
			}
		}
	})
}

// mayBeOnAnything: EC2 knows no resources for its Describe calls; only CloudFormation's role has them.
func mayBeOnAnything(where, action string) bool {
	if strings.Contains(where, "StackRole") && strings.HasPrefix(action, "ec2:Describe") {
		return true
	}
	return onAnything[action] != ""
}

func identityStatements(name string, tpl template) []statement {
	var found []statement
	for id, r := range tpl.Resources {
		documents := []any{}
		switch r.Type {
		case "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy":
			documents = append(documents, r.Properties["PolicyDocument"])
		case "AWS::IAM::Role":
			policies, _ := r.Properties["Policies"].([]any)
			for _, p := range policies {
				document := at(p, "PolicyDocument")
				if either, conditional := at(document, "Fn::If").([]any); conditional {
					documents = append(documents, either[1:]...)
					continue
				}
				documents = append(documents, document)
			}
		}
		for _, document := range documents {
			for _, s := range list(at(document, "Statement")) {
				one := statement{where: name + "/" + id, resources: list(at(s, "Resource")), when: at(s, "Condition")}
				one.effect, _ = at(s, "Effect").(string)
				for _, action := range list(at(s, "Action")) {
					one.actions = append(one.actions, fmt.Sprint(action))
				}
				found = append(found, one)
			}
		}
	}
	return found
}

// list is a value that may stand alone as a list.
func list(v any) []any {
	if many, ok := v.([]any); ok {
		return many
	}
	return []any{v}
}

func TestRolesArePassedToNobodyElse(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		shares := "role/headroom/" + a.stage.Name + "/share/*"
		passing := map[string][]string{ // role's policy to the roles it may pass
			"PoolChecks": {"StackRole"}, "HostSteps": {shares, "StackRole"}, "HostRepairs": {shares, "StackRole", "ProberTaskRole", "ProberExecutionRole"}, "Departures": {shares, "ArchivistTaskRole", "ArchivistExecutionRole", "ReportsRole"},
			"Restores": {"RestorerTaskRole", "RestorerExecutionRole"},
		}
		for _, s := range identityStatements("control", a.control) {
			for _, action := range s.actions {
				if action != "iam:PassRole" {
					continue
				}
				var allowed []string
				for who, roles := range passing {
					if strings.HasPrefix(s.where, "control/"+who) {
						allowed = roles
					}
				}
				for _, r := range s.resources {
					if !slices.ContainsFunc(allowed, func(role string) bool { return strings.Contains(fmt.Sprint(r), role) }) {
						t.Errorf("%s passes %v", s.where, r)
					}
				}
			}
		}
	})
}

func TestOnlyTheStagesGatewaysAndSharesAreTouched(t *testing.T) {
	const ofResource, ofRequest = "aws:ResourceTag/headroom:stage", "aws:RequestTag/headroom:stage"
	want := map[string][]string{ // function's policy and action to the tags that it depends on
		"InstanceChanges DescribeNFSFileShares":  {ofResource},
		"InstanceChanges UpdateNFSFileShare":     {ofResource},
		"Signups AddTagsToResource":              {ofResource},
		"Signups DescribeNFSFileShares":          {ofResource},
		"Signups UpdateNFSFileShare":             {ofResource},
		"Departures CreateNFSFileShare":          {ofRequest, ofResource},
		"Departures DeleteFileShare":             {ofResource},
		"Departures DescribeNFSFileShares":       nil, // asked before a share's tags may be known, and after it is gone
		"Departures ListTagsForResource":         nil, // likewise
		"Departures NotifyWhenUploaded":          {ofResource},
		"Departures UpdateNFSFileShare":          {ofResource},
		"HostRepairs ActivateGateway":            {ofRequest},
		"HostRepairs AddCache":                   {ofResource},
		"HostRepairs CreateNFSFileShare":         {ofRequest, ofResource},
		"HostRepairs DescribeGatewayInformation": nil, // as those of HostSteps
		"HostRepairs DescribeNFSFileShares":      nil,
		"HostRepairs ListGateways":               nil,
		"HostRepairs ListLocalDisks":             {ofResource},
		"HostRepairs ListTagsForResource":        nil,
		"HostRepairs UpdateNFSFileShare":         {ofResource},
		"HostSteps ActivateGateway":              {ofRequest},
		"HostSteps AddCache":                     {ofResource},
		"HostSteps AddTagsToResource":            {ofResource},
		"HostSteps UpdateNFSFileShare":           {ofResource},
		"HostSteps CreateNFSFileShare":           {ofRequest, ofResource},
		"HostSteps DescribeGatewayInformation":   nil, // asked before a gateway's tags may be known
		"HostSteps DescribeNFSFileShares":        nil, // asked before a share's tags may be known
		"HostSteps ListGateways":                 nil, // has no resources
		"HostSteps ListLocalDisks":               {ofResource},
		"HostSteps DeleteFileShare":              {ofResource}, // of hosts that are retired
		"HostSteps DeleteGateway":                {ofResource}, // likewise
		"HostSteps ListFileShares":               {ofResource}, // likewise
		"HostSteps ListTagsForResource":          nil,          // tells foreign gateways from ours
		"Restores ListTagsForResource":           nil,          // asked after a share is gone
		"Restores NotifyWhenUploaded":            {ofResource},
		"Restores RefreshCache":                  {ofResource},
		"Departures DeleteCacheReport":           nil, // reports have no tags
		"Departures DescribeCacheReport":         nil, // likewise
		"Departures StartCacheReport":            {ofResource},

		"CommandReads DescribeGatewayInformation": {ofResource},
		"CommandReads DescribeNFSFileShares":      {ofResource},
		"CommandReads ListFileShares":             {ofResource},
		"CommandReads ListGateways":               nil, // has no resources
		"CommandReads ListTagsForResource":        nil, // tells foreign gateways from ours
		"Reconciles DescribeGatewayInformation":   {ofResource},
		"Reconciles DescribeNFSFileShares":        {ofResource},
		"Reconciles ListFileShares":               {ofResource},
		"Reconciles ListGateways":                 nil, // has no resources
		"Reconciles ListTagsForResource":          nil, // tells foreign gateways from ours
		"Recovers DescribeGatewayInformation":     {ofResource},
		"Recovers DescribeNFSFileShares":          {ofResource},
		"Recovers ListFileShares":                 {ofResource},
		"Recovers ListGateways":                   nil, // has no resources
		"Recovers ListTagsForResource":            nil, // tells foreign gateways from ours
	}
	forEachStage(t, func(t *testing.T, a assembly) {
		got := map[string][]string{}
		for _, s := range identityStatements("control", a.control) {
			function, _, _ := strings.Cut(strings.TrimPrefix(s.where, "control/"), "Role")
			if strings.HasPrefix(function, "CommandReads") {
				function = "CommandReads"
			}
			for _, action := range s.actions {
				name, ok := strings.CutPrefix(action, "storagegateway:")
				if !ok {
					continue
				}
				tags, _ := at(s.when, "StringEquals").(map[string]any)
				for tag, value := range tags {
					if value != a.stage.Name {
						t.Errorf("%s: %s is %v", name, tag, value)
					}
				}
				got[function+" "+name] = slices.Sorted(maps.Keys(tags))
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("tags (-want +got):\n%s", diff)
		}
	})
}

func TestOnlyWhoGivesAddressesAwayFreesThem(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		got := map[string]bool{}
		for _, s := range identityStatements("control", a.control) {
			function, _, _ := strings.Cut(strings.TrimPrefix(s.where, "control/"), "Role")
			if items := at(s.when, "ForAllValues:StringEquals", "dynamodb:LeadingKeys"); items != nil && fmt.Sprint(list(items)) == "[MONEY]" {
				continue // of what is held money for
			}
			for _, action := range s.actions {
				if action == "dynamodb:ConditionCheckItem" || action == "dynamodb:DeleteItem" {
					got[function+" "+action] = true
				}
			}
		}
		want := map[string]bool{
			"Signups dynamodb:DeleteItem":                 true, // and places on the waiting list
			"InstanceChanges dynamodb:ConditionCheckItem": true, "InstanceChanges dynamodb:DeleteItem": true,
			"Departures dynamodb:ConditionCheckItem": true, "Departures dynamodb:DeleteItem": true,
			"Recovers dynamodb:ConditionCheckItem": true, "Recovers dynamodb:DeleteItem": true, // and places on the waiting list
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("grants (-want +got):\n%s", diff)
		}
	})
}

func TestOnlyTagsOfTheStagesShareBucketsAreTouched(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		got := map[string]string{}
		for _, s := range identityStatements("control", a.control) {
			function, _, _ := strings.Cut(strings.TrimPrefix(s.where, "control/"), "Role")
			for _, action := range s.actions {
				if strings.HasPrefix(action, "s3:") && strings.HasSuffix(action, "BucketTagging") && function != "HostStacksStack" {
					if strings.HasPrefix(function, "CommandReads") {
						function = "CommandReads"
					}
					got[function+" "+action] = fmt.Sprint(s.resources)
				}
			}
		}
		buckets := fmt.Sprint([]any{map[string]any{"Fn::Join": []any{"", []any{
			"arn:", map[string]any{"Ref": "AWS::Partition"}, ":s3:::headroom-" + a.stage.Name + "-share-*",
		}}}})
		want := map[string]string{
			"HostSteps s3:GetBucketTagging": buckets, "HostSteps s3:PutBucketTagging": buckets,
			"Departures s3:GetBucketTagging": buckets, "Departures s3:PutBucketTagging": buckets,
			"CommandReads s3:GetBucketTagging": buckets, "Reconciles s3:GetBucketTagging": buckets, "Recovers s3:GetBucketTagging": buckets,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("grants (-want +got):\n%s", diff)
		}
	})
}

func TestOnlyWhoOrdersAGatewayReadsItsImage(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		may := map[string][]string{}
		for _, s := range identityStatements("control", a.control) {
			if strings.Contains(fmt.Sprint(s.resources), "::parameter") {
				who, _, _ := strings.Cut(strings.TrimPrefix(s.where, "control/"), "Role")
				may[who] = append(may[who], s.actions...)
				if !strings.HasSuffix(fmt.Sprint(s.resources), "::parameter"+gatewayImageParameter+"]]]]") || len(s.resources) != 1 {
					t.Errorf("%s reads %v", s.where, s.resources)
				}
			}
		}
		if diff := cmp.Diff(map[string][]string{"PoolChecks": {"ssm:GetParameter"}, "HostRepairs": {"ssm:GetParameter"}}, may); diff != "" {
			t.Errorf("those who read AWS's parameters (-want +got):\n%s", diff)
		}
	})
}

func TestPublicTrafficIsRefused(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		for _, kind := range []string{"AWS::EC2::InternetGateway", "AWS::EC2::NatGateway", "AWS::EC2::EIP"} {
			if n := len(a.control.of(kind)); n != 0 {
				t.Errorf("%d of %s", n, kind)
			}
		}
		for _, subnet := range a.control.of("AWS::EC2::Subnet") {
			if subnet.Properties["MapPublicIpOnLaunch"] != false {
				t.Errorf("subnet %v gives public addresses", subnet.Properties)
			}
		}
	})
}
