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

// ec2Needs: a volume is attached, and detached, with permissions on both it and the machine that is named, and EC2
// takes a grant on its key in the caller's name: also when a machine starts that has it.
//
// Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon EC2".
func (s *Store) ec2Needs(operation string, p params) []need {
	action := "ec2:" + operation
	on := func(kind, id string) need { return need{action: action, resource: s.arn("ec2", kind+"/"+id)} }
	switch operation {
	case "AttachVolume":
		return append(s.withKey(on("volume", p.text("VolumeId"))), on("instance", p.text("InstanceId")))
	case "DetachVolume":
		needs := []need{on("volume", p.text("VolumeId"))}
		if id := p.text("InstanceId"); id != "" {
			needs = append(needs, on("instance", id))
		}
		return needs
	case "DeleteVolume":
		return []need{on("volume", p.text("VolumeId"))}
	case "RebootInstances", "StartInstances", "StopInstances", "TerminateInstances":
		var needs []need
		for _, id := range p.texts("InstanceId") {
			needs = append(needs, s.withKey(on("instance", id))...)
		}
		return needs
	case "ModifyInstanceAttribute":
		return []need{on("instance", p.text("InstanceId"))}
	case "CreateTags", "DeleteTags":
		var needs []need
		for _, id := range p.texts("ResourceId") {
			n := on(ec2Kind(id), id)
			n.context = tagsOf(p.maps("Tag"))
			needs = append(needs, n)
		}
		return needs
	}
	if group := p.text("GroupId"); group != "" && !strings.HasPrefix(operation, "Describe") {
		return []need{on("security-group", group)}
	}
	return []need{{action: action, resource: "*"}}
}

// ec2Kind is the kind of a resource of EC2 as ARNs have it, by what its ID begins with.
func ec2Kind(id string) string {
	prefix, _, _ := strings.Cut(id, "-")
	kinds := map[string]string{
		"i": "instance", "vol": "volume", "eni": "network-interface", "sg": "security-group", "subnet": "subnet", "lt": "launch-template",
	}
	if kind, ok := kinds[prefix]; ok {
		return kind
	}
	return prefix
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
	if set := p.text("ChangeSetName"); set != "" {
		context["cloudformation:changesetname"] = []string{set}
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
