package cloudformation_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"headroom/internal/local/iam"
)

// A service role's conditions on images, disks and log groups are kept to.
func TestAServiceRoleIsKeptToItsConditions(t *testing.T) {
	const (
		anything  = `{"Effect":"Allow","Action":["ec2:RunInstances"],"Resource":["arn:aws:ec2:*:*:instance/*","arn:aws:ec2:*:*:network-interface/*"]}`
		images    = `{"Effect":"Allow","Action":"ec2:RunInstances","Resource":"arn:aws:ec2:*::image/*","Condition":{"StringEquals":{"ec2:Owner":"%"}}}`
		volumes   = `{"Effect":"Allow","Action":"ec2:RunInstances","Resource":"arn:aws:ec2:*:*:volume/*","Condition":{"Bool":{"ec2:Encrypted":"true"}}}`
		machine   = `{"Resources":{"Machine":{"Type":"AWS::EC2::Instance","Properties":{"ImageId":"ami-1","NetworkInterfaces":[{"DeviceIndex":"0","NetworkInterfaceId":"eni-1"}],"BlockDeviceMappings":[{"DeviceName":"/dev/xvda","Ebs":{"Encrypted":%}}]}}}}`
		logs      = `{"Resources":{"Logs":{"Type":"AWS::Logs::LogGroup","Properties":{"LogGroupName":"/aws/rds/instance/a","RetentionInDays":7}}}}`
		mayCreate = `{"Effect":"Allow","Action":"logs:CreateLogGroup","Resource":"arn:aws:logs:*:*:log-group:/aws/rds/instance/*"}`
	)
	owned := func(by string) string { return strings.ReplaceAll(images, "%", by) }
	with := func(encrypted string) string { return strings.ReplaceAll(machine, "%", encrypted) }
	for name, tt := range map[string]struct {
		statements []string
		template   string
		denied     string
	}{
		"an image of another owner":      {[]string{anything, owned("123456789012"), volumes}, with("true"), "ec2:RunInstances on resource: arn:aws:ec2:eu-west-1::image/ami-1"},
		"a disk that is not encrypted":   {[]string{anything, owned("amazon"), volumes}, with("false"), "ec2:RunInstances on resource: arn:aws:ec2:eu-west-1:123456789012:volume/"},
		"a log group without permission": {[]string{anything}, logs, "logs:CreateLogGroup on resource: arn:aws:logs:eu-west-1:123456789012:log-group:/aws/rds/instance/a"},
		"a retention without permission": {[]string{mayCreate}, logs, "logs:PutRetentionPolicy"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			c.engine.Register(c.things, "AWS::EC2::Instance", "AWS::Logs::LogGroup")
			document, err := iam.ParseDocument(`{"Statement":[` + strings.Join(tt.statements, ",") + `]}`)
			if err != nil {
				t.Fatal(err)
			}
			role := iam.Role{
				Name: "stacks", ARN: "arn:aws:iam::123456789012:role/stacks", Policies: map[string]iam.Document{"p": document},
				Trust: policy(t, `{"Effect":"Allow","Principal":{"Service":"cloudformation.amazonaws.com"},"Action":"sts:AssumeRole"}`),
			}
			c.roles.PutRole(role)
			c.create(t, "s-1", "a", tt.template, func(in *cloudformation.CreateStackInput) { in.RoleARN = aws.String(role.ARN) })
			c.reach(t, "s-1", types.StackStatusRollbackComplete)
			log, err := c.client.DescribeStackResources(t.Context(), &cloudformation.DescribeStackResourcesInput{StackName: aws.String("s-1")})
			if err != nil || !strings.Contains(aws.ToString(log.StackResources[0].ResourceStatusReason), "is not authorized to perform: "+tt.denied) {
				t.Errorf("%s: %v", aws.ToString(log.StackResources[0].ResourceStatusReason), err)
			}
		})
	}
}

// An update takes what it changes: a property's own permission, and tagging only for tags.
func TestAServiceRoleLimitsUpdates(t *testing.T) {
	const (
		create  = `{"Effect":"Allow","Action":["cloudwatch:PutMetricAlarm","logs:CreateLogGroup","logs:PutRetentionPolicy"],"Resource":"*"}`
		tagging = `{"Effect":"Allow","Action":["logs:TagResource"],"Resource":"*"}`
		group   = `{"Resources":{"Logs":{"Type":"AWS::Logs::LogGroup","Properties":{"LogGroupName":"a","RetentionInDays":%}}}}`
	)
	with := func(days string) string { return strings.ReplaceAll(group, "%", days) }
	tag := func(in *cloudformation.UpdateStackInput) {
		in.Tags = []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}
	}
	none := func(in *cloudformation.UpdateStackInput) { in.Tags = []types.Tag{} }
	for name, tt := range map[string]struct {
		statements []string
		template   string
		option     func(*cloudformation.UpdateStackInput)
		denied     string
	}{
		"what creation takes":            {[]string{create}, with("8"), nil, ""},
		"tags without permission":        {[]string{create}, "", tag, "logs:TagResource on resource: arn:aws:logs:eu-west-1:123456789012:log-group:s-Logs-"},
		"tags":                           {[]string{tagging, create}, "", tag, ""},
		"no more tags, without":          {[]string{tagging, create}, "", none, "logs:UntagResource"},
		"a deletion that is not allowed": {[]string{create}, `{"Resources":{"Other":{"Type":"Test::Local::Thing"}}}`, nil, "logs:DeleteLogGroup"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			c.engine.Register(c.things, "AWS::Logs::LogGroup")
			document, err := iam.ParseDocument(`{"Statement":[` + strings.Join(tt.statements, ",") + `]}`)
			if err != nil {
				t.Fatal(err)
			}
			role := iam.Role{
				Name: "stacks", ARN: "arn:aws:iam::123456789012:role/stacks", Policies: map[string]iam.Document{"p": document},
				Trust: policy(t, `{"Effect":"Allow","Principal":{"Service":"cloudformation.amazonaws.com"},"Action":"sts:AssumeRole"}`),
			}
			c.roles.PutRole(role)
			c.create(t, "s", "made", with("7"), func(in *cloudformation.CreateStackInput) {
				in.RoleARN = aws.String(role.ARN)
				if tt.denied == "logs:UntagResource" {
					in.Tags = []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}
				}
			})
			c.reach(t, "s", types.StackStatusCreateComplete)
			options := []func(*cloudformation.UpdateStackInput){}
			if tt.option != nil {
				options = append(options, tt.option)
			}
			if err := c.update(t, "changed", tt.template, options...); err != nil {
				t.Fatal(err)
			}
			want := types.StackStatusUpdateComplete
			switch {
			case strings.HasPrefix(tt.denied, "logs:Tag"):
				want = types.StackStatusUpdateRollbackFailed // what may not be done can't be undone
			case tt.denied == "logs:UntagResource":
				want = types.StackStatusUpdateRollbackComplete // but tags may be set again
			}
			s := c.reach(t, "s", want)
			log := strings.Join(c.log(t), "\n")
			if tt.denied != "" && !strings.Contains(log, "is not authorized to perform: "+tt.denied) {
				t.Errorf("log %s", log)
			}
			if tt.denied == "logs:DeleteLogGroup" && aws.ToString(s.StackStatusReason) != "Update successful. One or more resources could not be deleted." {
				t.Errorf("reason %s", aws.ToString(s.StackStatusReason))
			}
		})
	}
}
