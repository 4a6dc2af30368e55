package main

import (
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// What is shared with who makes hosts is tested with that.
func TestWhoRepairsMayDoThisAndNoMore(t *testing.T) {
	const (
		ours   = " if StringEquals aws:ResourceTag/headroom:stage STAGE"
		byRole = "StringEquals cloudformation:RoleArn <HostStacksStackRole>"
		shares = "cloudformation:::stack/headroom-STAGE-share-*"
		both   = "cloudformation:::stack/headroom-STAGE-database-*"
		groups = "ec2:::security-group/*" + ours + " and StringLike aws:ResourceTag/headroom:host share-*"
		named  = " if StringLike cloudformation:ChangeSetName headroom-r*"
	)
	machines, volumes := []string{"ec2:::instance/*" + ours}, "ec2:::volume/*"
	want := map[string][]string{
		"ec2:AuthorizeSecurityGroupIngress":         {groups},
		"ec2:RevokeSecurityGroupIngress":            {groups},
		"ecs:RunTask":                               {"<ProberTask>" + inTheCluster},
		"ecs:DescribeTasks":                         {"ecs:::task/headroom-STAGE/*" + inTheCluster},
		"ecs:StopTask":                              {"ecs:::task/headroom-STAGE/*" + inTheCluster},
		"ecs:TagResource":                           {"ecs:::task/headroom-STAGE/* if StringEquals ecs:CreateAction RunTask"},
		"storagegateway:UpdateNFSFileShare":         {"storagegateway:::share/*" + ours},
		"cloudwatch:GetMetricData":                  {"*"},
		"ec2:AttachVolume":                          {machines[0], volumes + ours},
		"ec2:CreateTags":                            {volumes + " if ForAllValues:StringEquals aws:TagKeys headroom:root-of|headroom:repair and StringEquals aws:ResourceTag/headroom:stage STAGE"},
		"ec2:DeleteVolume":                          {volumes + " if Null aws:ResourceTag/headroom:root-of false and StringEquals aws:ResourceTag/headroom:stage STAGE"},
		"ec2:DescribeImages":                        {"*"},
		"ec2:DescribeInstanceStatus":                {"*"},
		"ec2:DescribeInstances":                     {"*"},
		"ec2:DescribeVolumes":                       {"*"},
		"ec2:DetachVolume":                          {machines[0], volumes + ours},
		"ec2:ModifyInstanceAttribute":               machines,
		"ec2:RebootInstances":                       machines,
		"ec2:StartInstances":                        machines,
		"ec2:StopInstances":                         machines,
		"cloudformation:DescribeStacks":             {both, shares},
		"cloudformation:DescribeChangeSet":          {both, shares},
		"cloudformation:DeleteChangeSet":            {both + named, shares + named},
		"cloudformation:ExecuteChangeSet":           {both + named, shares + named},
		"cloudformation:GetTemplateSummary":         {"*"},
		"storagegateway:ActivateGateway":            {"* if StringEquals aws:RequestTag/headroom:stage STAGE"},
		"storagegateway:AddCache":                   {"storagegateway:::gateway/*" + ours},
		"storagegateway:CreateNFSFileShare":         {"storagegateway:::gateway/* if StringEquals aws:RequestTag/headroom:stage STAGE and StringEquals aws:ResourceTag/headroom:stage STAGE"},
		"storagegateway:DescribeGatewayInformation": {"storagegateway:::gateway/*"},
		"storagegateway:DescribeNFSFileShares":      {"storagegateway:::share/*"},
		"storagegateway:ListGateways":               {"*"},
		"storagegateway:ListLocalDisks":             {"storagegateway:::gateway/*" + ours},
		"storagegateway:ListTagsForResource":        {"storagegateway:::gateway/*"},
		"sqs:SendMessage":                           {"<HostEventsQueue>", "<RepairStepsQueue>"},
	}
	forEachStage(t, func(t *testing.T, a assembly) {
		may := a.may("HostRepairs")
		got := map[string][]string{}
		for action, grants := range may {
			service, _, _ := strings.Cut(action, ":")
			network := strings.Contains(action, "NetworkInterface") || strings.Contains(action, "PrivateIpAddresses") || action == "ec2:DescribeSubnets"
			if _, known := want[action]; known || service == "ec2" && !network || service == "cloudwatch" || service == "storagegateway" || service == "sqs" && action == "sqs:SendMessage" {
				got[action] = grants
			}
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("grants (-want +got):\n%s", diff)
		}
		// What these templates are called follows from what is in them.
		for action, template := range map[string]string{"cloudformation:UpdateStack": "StringEqualsIfExists", "cloudformation:CreateChangeSet": "StringEquals"} {
			for _, grant := range may[action] {
				if !strings.Contains(grant, byRole) || !strings.Contains(grant, template+" cloudformation:TemplateUrl https://s3.") {
					t.Errorf("%s: %s", action, grant)
				}
			}
		}
		if len(may["cloudformation:UpdateStack"]) != 1 || !strings.HasPrefix(may["cloudformation:UpdateStack"][0], shares) || len(may["cloudformation:CreateChangeSet"]) != 2 {
			t.Errorf("stacks that may be updated: %v; by change sets: %v", may["cloudformation:UpdateStack"], may["cloudformation:CreateChangeSet"])
		}
	})
}

// A repair ends no machine and deletes no gateway: what is to go, CloudFormation takes away by the host's template. A gateway
// is deleted by who retires hosts alone, when all of its shares are gone.
func TestNoFunctionEndsAMachineOrDeletesAGateway(t *testing.T) {
	forEachStage(t, func(t *testing.T, a assembly) {
		for _, s := range identityStatements("control", a.control) {
			if strings.Contains(s.where, "StackRole") {
				continue
			}
			for _, action := range s.actions {
				if action == "storagegateway:DeleteGateway" && strings.HasPrefix(s.where, "control/HostStepsRole") {
					continue
				}
				switch action {
				case "ec2:TerminateInstances", "storagegateway:DeleteGateway", "storagegateway:ShutdownGateway", "storagegateway:EvictFilesFailingUpload":
					t.Errorf("%s allows %s", s.where, action)
				}
			}
		}
	})
}
