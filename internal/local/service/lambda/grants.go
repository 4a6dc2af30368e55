package lambda

import (
	"fmt"
	"slices"
	"strings"
)

// Lambda itself does some things with a function's role: they need to be granted like the
// function's own calls.

// sessionARN is who a function is when it has assumed its role.
func (h *Host) sessionARN(role, functionName string) string {
	return fmt.Sprintf("arn:aws:sts::%s:assumed-role/%s/%s", h.cfg.Account, role[strings.LastIndex(role, "/")+1:], functionName)
}

// mayEnterVPC checks that Lambda may make, find and remove the network interfaces of a function in
// a VPC (AWS, "Giving Lambda functions access to resources in an Amazon VPC").
func (h *Host) mayEnterVPC(p functionProperties, functionName string) error {
	arn := func(resource string) string {
		return fmt.Sprintf("arn:aws:ec2:%s:%s:%s", h.cfg.Region, h.cfg.Account, resource)
	}
	made := []string{arn("network-interface/*")}
	makes := slices.Clone(made)
	for _, subnet := range p.VpcConfig.SubnetIds {
		makes = append(makes, arn("subnet/"+subnet))
	}
	for _, group := range p.VpcConfig.SecurityGroupIds {
		makes = append(makes, arn("security-group/"+group))
	}
	for _, need := range []struct {
		action    string
		resources []string
	}{
		{"CreateNetworkInterface", makes},
		{"DeleteNetworkInterface", made},
		{"AssignPrivateIpAddresses", made},
		{"UnassignPrivateIpAddresses", made},
		{"DescribeNetworkInterfaces", []string{"*"}},
		{"DescribeSubnets", []string{"*"}},
	} {
		for _, resource := range need.resources {
			if err := h.cfg.Allowed(h.sessionARN(p.Role, functionName), "ec2:"+need.action, resource); err != nil {
				return fmt.Errorf("the provided execution role does not have permissions to call %s on EC2: %w", need.action, err)
			}
		}
	}
	return nil
}

// mayLog checks what is needed for a process's lines to reach its log stream.
func (h *Host) mayLog(f *function, stream string) error {
	resource := fmt.Sprintf("arn:aws:logs:%s:%s:log-group:%s:log-stream:%s", h.cfg.Region, h.cfg.Account, f.logGroup(), stream)
	for _, action := range []string{"logs:CreateLogStream", "logs:PutLogEvents"} {
		if err := h.cfg.Allowed(h.sessionARN(f.properties.Role, f.name), action, resource); err != nil {
			return fmt.Errorf("write the log of %s: %w", f.name, err)
		}
	}
	return nil
}
