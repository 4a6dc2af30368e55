package resources

import (
	"context"
	"fmt"
	"net/http"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/iam"
	"headroom/internal/local/resource"
)

type role struct{ *Resources }

// Create makes a role with its inline and attached policies. Ref returns its name.
func (o role) Create(_ context.Context, r resource.Resource) (resource.Created, error) {
	made, err := o.declared(r)
	if err != nil {
		return resource.Created{}, err
	}
	if _, there := o.Policies.Role(made.Name); !there && o.MostRoles != nil && o.Policies.Roles() >= o.MostRoles() {
		return resource.Created{}, &endpoint.Error{Code: "LimitExceeded", Status: http.StatusConflict, Message: fmt.Sprintf("Cannot exceed quota for RolesPerAccount: %d", o.MostRoles())}
	}
	o.Policies.PutRole(made)
	return o.made(r, made), nil
}

func (o role) made(r resource.Resource, made iam.Role) resource.Created {
	return resource.Created{PhysicalID: made.Name, Attributes: map[string]any{"Arn": made.ARN, "RoleId": idOf(r, "AROA")}}
}

// declared is a role as a template has it.
func (o role) declared(r resource.Resource) (iam.Role, error) {
	name := r.Name("RoleName")
	path := text(r.Properties, "Path")
	if path == "" {
		path = "/"
	}
	made := iam.Role{Name: name, ARN: fmt.Sprintf("arn:aws:iam::%s:role%s%s", o.Account, path, name), Policies: map[string]iam.Document{}}
	var err error
	if made.Trust, err = iam.ParseDocument(r.Properties["AssumeRolePolicyDocument"]); err != nil {
		return iam.Role{}, fmt.Errorf("trust policy: %w", err)
	}
	inline, _ := r.Properties["Policies"].([]any)
	for _, element := range inline {
		p, _ := element.(map[string]any)
		document, err := iam.ParseDocument(p["PolicyDocument"])
		if err != nil {
			return iam.Role{}, fmt.Errorf("policy %s: %w", text(p, "PolicyName"), err)
		}
		made.Policies[text(p, "PolicyName")] = document
	}
	for _, arn := range texts(r.Properties, "ManagedPolicyArns") {
		if document, ok := o.Policies.ManagedPolicy(arn); ok {
			made.Policies[arn] = document
		}
	}
	if arn := text(r.Properties, "PermissionsBoundary"); arn != "" {
		document, ok := o.Policies.ManagedPolicy(arn)
		if !ok {
			return iam.Role{}, fmt.Errorf("permissions boundary: policy %s does not exist", arn)
		}
		made.Boundary = &document
	}
	return made, nil
}

// Delete deletes a role.
func (o role) Delete(_ context.Context, r resource.Resource) error {
	o.Policies.DeleteRole(r.PhysicalID)
	return nil
}

type policy struct{ *Resources }

// Create attaches an inline policy to roles.
func (o policy) Create(_ context.Context, r resource.Resource) (resource.Created, error) {
	document, err := iam.ParseDocument(r.Properties["PolicyDocument"])
	if err != nil {
		return resource.Created{}, err
	}
	for _, name := range texts(r.Properties, "Roles") {
		if err := o.Policies.Attach(name, text(r.Properties, "PolicyName"), document); err != nil {
			return resource.Created{}, err
		}
	}
	return resource.Created{PhysicalID: text(r.Properties, "PolicyName")}, nil
}

// Delete takes an inline policy off its roles.
func (o policy) Delete(_ context.Context, r resource.Resource) error {
	for _, name := range texts(r.Properties, "Roles") {
		o.Policies.Detach(name, text(r.Properties, "PolicyName"))
	}
	return nil
}

type managedPolicy struct{ *Resources }

// Create keeps a managed policy and attaches it to roles. Ref returns its ARN.
func (o managedPolicy) Create(_ context.Context, r resource.Resource) (resource.Created, error) {
	document, err := iam.ParseDocument(r.Properties["PolicyDocument"])
	if err != nil {
		return resource.Created{}, err
	}
	path := text(r.Properties, "Path")
	if path == "" {
		path = "/"
	}
	arn := fmt.Sprintf("arn:aws:iam::%s:policy%s%s", o.Account, path, r.Name("ManagedPolicyName"))
	o.Policies.PutManagedPolicy(arn, document)
	for _, name := range texts(r.Properties, "Roles") {
		if err := o.Policies.Attach(name, arn, document); err != nil {
			return resource.Created{}, err
		}
	}
	return resource.Created{PhysicalID: arn, Attributes: map[string]any{"PolicyArn": arn}}, nil
}

// Delete takes a managed policy off its roles.
func (o managedPolicy) Delete(_ context.Context, r resource.Resource) error {
	for _, name := range texts(r.Properties, "Roles") {
		o.Policies.Detach(name, r.PhysicalID)
	}
	return nil
}

type key struct{ *Resources }

// Create makes a KMS key: an ARN and a policy. Nothing is encrypted here; who may use it is checked.
func (k key) Create(_ context.Context, r resource.Resource) (resource.Created, error) {
	document, err := iam.ParseDocument(r.Properties["KeyPolicy"])
	if err != nil {
		return resource.Created{}, err
	}
	h := digits(r)
	id := fmt.Sprintf("%s-%s-%s-%s-%s", h[:8], h[8:12], h[12:16], h[16:20], h[20:32])
	arn := k.arn("kms", "key/"+id)
	k.Policies.PutResourcePolicy(arn, document)
	return resource.Created{PhysicalID: id, Attributes: map[string]any{"Arn": arn, "KeyId": id}}, nil
}

// Delete forgets a key.
func (k key) Delete(_ context.Context, r resource.Resource) error {
	k.Policies.DeleteResource(k.arn("kms", "key/"+r.PhysicalID))
	return nil
}
