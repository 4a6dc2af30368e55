package cloudformation

import (
	"fmt"
	"maps"
	"slices"
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

// lowerCaseNames are the services that write names in lower case.
var lowerCaseNames = []string{"AWS::S3::", "AWS::RDS::"}

// roleAllows checks that the stack's service role may do what the resource takes. Stacks without a
// role are made with the rights of the account's owner.
func (e *Engine) roleAllows(s *stack, r resource.Resource, p phase) error {
	var actions []action
	switch h := handlings[r.Type]; p {
	case creation:
		actions = h.create
	case deletion:
		actions = h.delete
	}
	return e.allowed(s, r, actions, func(property string) bool { return r.Properties[property] != nil })
}

// roleAllowsUpdate checks that the stack's service role may do what a change of a resource takes.
func (e *Engine) roleAllowsUpdate(s *stack, from, to resource.Resource) error {
	h, known := handlings[to.Type]
	if !known {
		return nil
	}
	changed := resource.Changed(from, to)
	var actions []action
	if slices.ContainsFunc(changed, func(property string) bool { return property != "Tags" }) {
		actions = slices.Clone(h.update)
	}
	if h.tag != (tagging{}) {
		on, before, after := h.delete[len(h.delete)-1].resource, tagsOf(from), tagsOf(to)
		if !maps.Equal(before, after) {
			actions = append(actions, action{h.tag.set, on, ""})
		}
		for key := range before {
			if _, stays := after[key]; !stays {
				actions = append(actions, action{h.tag.remove, on, ""})
				break
			}
		}
	}
	return e.allowed(s, to, actions, func(property string) bool { return slices.Contains(changed, property) })
}

// allowed checks actions with the stack's service role, those that are about a property only if it counts.
func (e *Engine) allowed(s *stack, r resource.Resource, actions []action, counts func(property string) bool) error {
	if s.role == "" || e.config.Roles == nil {
		return nil
	}
	session := e.session(s.role)
	conditions := conditionsOf(r, e.config.Account, e.config.Region)
	for _, a := range actions {
		if a.when != "" && !counts(a.when) {
			continue
		}
		if err := e.config.Roles.Allowed(session, a.name, e.fill(a.resource, handlings[r.Type], r), conditions); err != nil {
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
