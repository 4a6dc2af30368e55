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
