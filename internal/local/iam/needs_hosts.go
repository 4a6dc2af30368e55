package iam

import (
	"strings"

	"headroom/internal/local/endpoint"
)

// gatewayNeeds: Storage Gateway does not support iam:PassedToService, so passing a role is asked for
// without it.
func (s *Store) gatewayNeeds(operation string, p params) []need {
	action := "storagegateway:" + operation
	switch operation {
	case "ActivateGateway", "ListGateways":
		return []need{{action, "*", p.tags()}}
	case "CreateNFSFileShare":
		return []need{
			{action, p.first("GatewayARN"), p.tags()},
			{action: "iam:PassRole", resource: p.first("Role")},
		}
	case "StartCacheReport":
		return []need{
			{action, p.first("FileShareARN"), p.tags()},
			{action: "iam:PassRole", resource: p.first("Role")},
		}
	case "ListCacheReports":
		return []need{{action: action, resource: "*"}}
	case "DescribeNFSFileShares":
		var needs []need
		for _, arn := range p.texts("FileShareARNList") {
			needs = append(needs, need{action: action, resource: arn})
		}
		return needs
	default:
		return []need{{action, p.first("ResourceARN", "CacheReportARN", "FileShareARN", "GatewayARN"), p.tags()}}
	}
}

// ec2Needs: a volume is attached with permissions on both it and the machine, and EC2 takes a grant on
// its key in the caller's name.
func (s *Store) ec2Needs(operation string, p params) []need {
	if operation == "AttachVolume" {
		action := "ec2:" + operation
		return append(s.withKey(need{action: action, resource: s.arn("ec2", "volume/"+p.text("VolumeId"))}),
			need{action: action, resource: s.arn("ec2", "instance/"+p.text("InstanceId"))})
	}
	if group := p.text("GroupId"); group != "" && !strings.HasPrefix(operation, "Describe") {
		return []need{{action: "ec2:" + operation, resource: s.arn("ec2", "security-group/"+group)}}
	}
	return []need{{action: "ec2:" + operation, resource: "*"}}
}

// stackNeeds: CreateStack takes its template with the caller's own permissions, and hands the stack
// its role.
func (s *Store) stackNeeds(operation string, p params) []need {
	stack := p.text("StackName")
	resource := stack
	switch {
	case stack == "":
		resource = "*"
	case !strings.HasPrefix(stack, "arn:"):
		resource = s.arn("cloudformation", "stack/"+stack+"/*")
	}
	context := p.tags()
	role, template := p.text("RoleARN"), p.text("TemplateURL")
	if role != "" {
		context["cloudformation:rolearn"] = []string{role}
	}
	if template != "" {
		context["cloudformation:templateurl"] = []string{template}
	}
	needs := []need{{"cloudformation:" + operation, resource, context}}
	if len(p.maps("Tags")) > 0 {
		needs = append(needs, need{"cloudformation:TagResource", resource, context})
	}
	if template != "" {
		if bucket, key, ok := endpoint.ObjectOf(template); ok {
			needs = append(needs, s.withKey(need{action: "s3:GetObject", resource: "arn:aws:s3:::" + bucket + "/" + key})...)
		}
	}
	if role != "" {
		needs = append(needs, need{"iam:PassRole", role, Context{"iam:passedtoservice": {"cloudformation.amazonaws.com"}}})
	}
	return needs
}
