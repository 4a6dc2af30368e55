package main

import (
	"github.com/aws/jsii-runtime-go"

	"headroom/internal/pool"
)

// orderStacks lets a function create stacks of hosts: from our templates and with our role, and no
// others, because that role can do much.
func (c *controlPlane) orderStacks() []Grant {
	create := c.onHostStacks("cloudformation:CreateStack")
	create.When = Conditions{"StringEquals": {
		"cloudformation:RoleArn":     c.hosts.Role.RoleArn(),
		"cloudformation:TemplateUrl": []*string{c.hosts.Database.Asset.HttpUrl(), c.hosts.Share.Asset.HttpUrl()},
	}}
	return []Grant{
		create,
		c.onHostStacks("cloudformation:TagResource"),
		c.passStackRole(),
		c.readTemplates(),
	}
}

// passStackRole lets a function have CloudFormation work with the stacks' role.
func (c *controlPlane) passStackRole() Grant {
	return Grant{
		Actions:   []string{"iam:PassRole"},
		Resources: []*string{c.hosts.Role.RoleArn()},
		When:      Conditions{"StringEquals": {"iam:PassedToService": jsii.String("cloudformation.amazonaws.com")}},
	}
}

// passShareRoles lets a function pass gateways the roles of shares. Storage Gateway does not support iam:PassedToService; the
// path holds those roles only.
func (c *controlPlane) passShareRoles() Grant {
	return Grant{Actions: []string{"iam:PassRole"}, Resources: []*string{roleARN(shareRolePath(c.Stage.Name) + "*")}}
}

// readTemplates lets CloudFormation read a template, which it does with the rights of the caller that names it.
func (c *controlPlane) readTemplates() Grant {
	return Grant{Actions: []string{"s3:GetObject"}, Resources: []*string{assetObject(c.hosts.Database), assetObject(c.hosts.Share)}}
}

// updateShareStacks lets a function update stacks of share hosts, with our role. It can't be told to keep the template that
// a stack has: what names one by its address can be limited to ours, what brings its text along can't.
func (c *controlPlane) updateShareStacks() Grant {
	return Grant{
		Actions:   []string{"cloudformation:UpdateStack"},
		Resources: []*string{c.stacksOf(pool.Share)},
		When: Conditions{
			"StringEquals":         {"cloudformation:RoleArn": c.hosts.Role.RoleArn()},
			"StringEqualsIfExists": {"cloudformation:TemplateUrl": c.hosts.Share.Asset.HttpUrl()},
		},
	}
}

// assetObject is the ARN of a template in the assets' bucket.
func assetObject(t HostTemplate) *string {
	return jsii.String(*t.Asset.Bucket().BucketArn() + "/" + *t.Asset.S3ObjectKey())
}

func (c *controlPlane) onHostStacks(actions ...string) Grant {
	g := Grant{Actions: actions}
	for _, kind := range pool.Kinds {
		g.Resources = append(g.Resources, c.stacksOf(kind))
	}
	return g
}

func (c *controlPlane) stacksOf(kind pool.Kind) *string {
	return arn("cloudformation", "stack/"+c.stackPrefix()+string(kind)+"-*")
}
