package cloudformation

import (
	"fmt"
	"strconv"
	"strings"

	"headroom/internal/local/resource"

	"headroom/internal/local/cloudformation/template"
	"headroom/internal/local/iam"
)

// phase is what is done to a resource.
type phase int

const (
	creation phase = iota
	deletion
)

// handling is what a resource type's handler does, as far as it is checked: the calls that make and
// unmake the resource, on which ARNs. %N stands for the resource's name: its physical id once it has
// one, else the property that names it, else the generated name.
type handling struct {
	name           string // property that names it
	create, delete []action
}

// action is one permission. {Property} in its resource stands for a property's value; with when, it
// is needed only if the resource has that property.
type action struct{ name, resource, when string }

// handlings are the types of the host templates. Types that are not here are made without a check.
var handlings = map[string]handling{
	"AWS::S3::Bucket": {
		name: "BucketName",
		create: []action{
			{"s3:CreateBucket", "arn:aws:s3:::%N", ""},
			{"s3:PutEncryptionConfiguration", "arn:aws:s3:::%N", "BucketEncryption"},
			{"s3:PutBucketVersioning", "arn:aws:s3:::%N", "VersioningConfiguration"},
			{"s3:PutBucketPublicAccessBlock", "arn:aws:s3:::%N", "PublicAccessBlockConfiguration"},
			{"s3:PutBucketOwnershipControls", "arn:aws:s3:::%N", "OwnershipControls"},
			{"s3:PutLifecycleConfiguration", "arn:aws:s3:::%N", "LifecycleConfiguration"},
		},
		delete: []action{{"s3:DeleteBucket", "arn:aws:s3:::%N", ""}},
	},
	"AWS::S3::BucketPolicy": {
		create: []action{{"s3:PutBucketPolicy", "arn:aws:s3:::{Bucket}", ""}},
		delete: []action{{"s3:DeleteBucketPolicy", "arn:aws:s3:::{Bucket}", ""}},
	},
	"AWS::IAM::Role": {
		name: "RoleName",
		create: []action{
			{"iam:CreateRole", "arn:aws:iam::%A:role{Path}%N", ""},
			{"iam:PutRolePolicy", "arn:aws:iam::%A:role{Path}%N", "Policies"},
		},
		delete: []action{
			{"iam:DeleteRolePolicy", "arn:aws:iam::%A:role{Path}%N", "Policies"},
			{"iam:DeleteRole", "arn:aws:iam::%A:role{Path}%N", ""},
		},
	},
	"AWS::EC2::SecurityGroup": {
		create: []action{
			{"ec2:CreateSecurityGroup", "arn:aws:ec2:%R:%A:vpc/{VpcId}", ""},
			{"ec2:CreateSecurityGroup", "arn:aws:ec2:%R:%A:security-group/%N", ""},
			{"ec2:AuthorizeSecurityGroupIngress", "arn:aws:ec2:%R:%A:security-group/%N", "SecurityGroupIngress"},
			{"ec2:AuthorizeSecurityGroupEgress", "arn:aws:ec2:%R:%A:security-group/%N", "SecurityGroupEgress"},
		},
		delete: []action{{"ec2:DeleteSecurityGroup", "arn:aws:ec2:%R:%A:security-group/%N", ""}},
	},
	"AWS::EC2::NetworkInterface": {
		create: []action{
			{"ec2:CreateNetworkInterface", "arn:aws:ec2:%R:%A:network-interface/%N", ""},
			{"ec2:CreateNetworkInterface", "arn:aws:ec2:%R:%A:subnet/{SubnetId}", ""},
			{"ec2:CreateNetworkInterface", "arn:aws:ec2:%R:%A:security-group/*", "GroupSet"},
			{"ec2:DescribeNetworkInterfaces", "*", ""},
		},
		delete: []action{
			{"ec2:DescribeNetworkInterfaces", "*", ""},
			{"ec2:DeleteNetworkInterface", "arn:aws:ec2:%R:%A:network-interface/%N", ""},
		},
	},
	"AWS::EC2::Instance": {
		create: []action{
			{"ec2:RunInstances", "arn:aws:ec2:%R:%A:instance/%N", ""},
			{"ec2:RunInstances", "arn:aws:ec2:%R:%A:volume/%N", ""},
			{"ec2:RunInstances", "arn:aws:ec2:%R::image/{ImageId}", ""},
			{"ec2:RunInstances", "arn:aws:ec2:%R:%A:subnet/{SubnetId}", "SubnetId"},
			{"ec2:RunInstances", "arn:aws:ec2:%R:%A:network-interface/*", "NetworkInterfaces"},
		},
		delete: []action{{"ec2:TerminateInstances", "arn:aws:ec2:%R:%A:instance/%N", ""}},
	},
	"AWS::EC2::Volume": {
		create: []action{{"ec2:CreateVolume", "arn:aws:ec2:%R:%A:volume/%N", ""}},
		delete: []action{{"ec2:DeleteVolume", "arn:aws:ec2:%R:%A:volume/%N", ""}},
	},
	"AWS::Logs::LogGroup": {
		name: "LogGroupName",
		create: []action{
			{"logs:CreateLogGroup", "arn:aws:logs:%R:%A:log-group:%N", ""},
			{"logs:PutRetentionPolicy", "arn:aws:logs:%R:%A:log-group:%N", "RetentionInDays"},
		},
		delete: []action{{"logs:DeleteLogGroup", "arn:aws:logs:%R:%A:log-group:%N", ""}},
	},
	"AWS::RDS::DBInstance": {
		name:   "DBInstanceIdentifier",
		create: []action{{"rds:CreateDBInstance", "arn:aws:rds:%R:%A:db:%N", ""}},
		delete: []action{{"rds:DeleteDBInstance", "arn:aws:rds:%R:%A:db:%N", ""}},
	},
	"AWS::RDS::DBSubnetGroup": {
		name:   "DBSubnetGroupName",
		create: []action{{"rds:CreateDBSubnetGroup", "arn:aws:rds:%R:%A:subgrp:%N", ""}},
		delete: []action{{"rds:DeleteDBSubnetGroup", "arn:aws:rds:%R:%A:subgrp:%N", ""}},
	},
	"AWS::RDS::DBParameterGroup": {
		name:   "DBParameterGroupName",
		create: []action{{"rds:CreateDBParameterGroup", "arn:aws:rds:%R:%A:pg:%N", ""}},
		delete: []action{{"rds:DeleteDBParameterGroup", "arn:aws:rds:%R:%A:pg:%N", ""}},
	},
	"AWS::CloudWatch::Alarm": {
		name:   "AlarmName",
		create: []action{{"cloudwatch:PutMetricAlarm", "arn:aws:cloudwatch:%R:%A:alarm:%N", ""}},
		delete: []action{{"cloudwatch:DeleteAlarms", "arn:aws:cloudwatch:%R:%A:alarm:%N", ""}},
	},
	"AWS::CloudWatch::CompositeAlarm": {
		name:   "AlarmName",
		create: []action{{"cloudwatch:PutCompositeAlarm", "arn:aws:cloudwatch:%R:%A:alarm:%N", ""}},
		delete: []action{{"cloudwatch:DeleteAlarms", "arn:aws:cloudwatch:%R:%A:alarm:%N", ""}},
	},
	"AWS::Route53::RecordSet": {
		create: []action{{"route53:ChangeResourceRecordSets", "arn:aws:route53:::hostedzone/{HostedZoneId}", ""}},
		delete: []action{{"route53:ChangeResourceRecordSets", "arn:aws:route53:::hostedzone/{HostedZoneId}", ""}},
	},
}

// lowerCaseNames are the services that write names in lower case.
var lowerCaseNames = []string{"AWS::S3::", "AWS::RDS::"}

// roleAllows checks that the stack's service role may do what the resource takes. Stacks without a
// role are made with the rights of the account's owner.
func (e *Engine) roleAllows(s *stack, r resource.Resource, p phase) error {
	h, known := handlings[r.Type]
	if s.role == "" || e.config.Roles == nil || !known {
		return nil
	}
	actions := h.create
	if p == deletion {
		actions = h.delete
	}
	session := e.session(s.role)
	conditions := conditionsOf(r, e.config.Account, e.config.Region)
	for _, a := range actions {
		if a.when != "" && r.Properties[a.when] == nil {
			continue
		}
		if err := e.config.Roles.Allowed(session, a.name, e.fill(a.resource, h, r), conditions); err != nil {
			return err
		}
	}
	return nil
}

// session is the ARN of CloudFormation's session of a service role.
func (e *Engine) session(role string) string {
	return fmt.Sprintf("arn:aws:sts::%s:assumed-role/%s/AWSCloudFormation", e.config.Account, role[strings.LastIndex(role, "/")+1:])
}

// fill completes the ARN of an action.
func (e *Engine) fill(pattern string, h handling, r resource.Resource) string {
	name := r.PhysicalID
	if name == "" {
		name, _ = r.Properties[h.name].(string)
	}
	if name == "" {
		name = r.GeneratedName()
	}
	for _, prefix := range lowerCaseNames {
		if strings.HasPrefix(r.Type, prefix) {
			name = strings.ToLower(name)
		}
	}
	filled := strings.NewReplacer("%N", name, "%R", e.config.Region, "%A", e.config.Account).Replace(pattern)
	for property := range strings.SplitSeq(pattern, "{") {
		property, _, found := strings.Cut(property, "}")
		if !found {
			continue
		}
		value := "*"
		if v := r.Properties[property]; v != nil {
			value = template.Text(v)
		} else if property == "Path" {
			value = "/"
		}
		filled = strings.ReplaceAll(filled, "{"+property+"}", value)
	}
	return filled
}

// conditionsOf are the condition keys that AWS would see in the handler's calls.
func conditionsOf(r resource.Resource, account, region string) iam.Context {
	conditions := iam.Context{}
	for key, value := range r.Tags {
		conditions["aws:requesttag/"+strings.ToLower(key)] = []string{value}
		conditions["aws:resourcetag/"+strings.ToLower(key)] = []string{value}
		conditions["aws:tagkeys"] = append(conditions["aws:tagkeys"], key)
	}
	for property, key := range map[string]string{"PermissionsBoundary": "iam:permissionsboundary", "Encrypted": "ec2:encrypted"} {
		if v := r.Properties[property]; v != nil {
			conditions[key] = []string{template.Text(v)}
		}
	}
	if r.Properties["ImageId"] != nil {
		conditions["ec2:owner"] = []string{"amazon"} // all images that there are here
	}
	if mappings, ok := r.Properties["BlockDeviceMappings"].([]any); ok {
		conditions["ec2:encrypted"] = []string{strconv.FormatBool(allEncrypted(mappings))}
	}
	if v := r.Properties["VpcId"]; v != nil {
		conditions["ec2:vpc"] = []string{fmt.Sprintf("arn:aws:ec2:%s:%s:vpc/%s", region, account, template.Text(v))}
	}
	return conditions
}

// allEncrypted reports whether every disk that a machine is started with is encrypted.
func allEncrypted(mappings []any) bool {
	for _, m := range mappings {
		mapping, _ := m.(map[string]any)
		disk, _ := mapping["Ebs"].(map[string]any)
		if template.Text(disk["Encrypted"]) != "true" {
			return false
		}
	}
	return true
}
