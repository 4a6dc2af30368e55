package cloudformation

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"headroom/internal/local/cloudformation/template"
	"headroom/internal/local/constraint"
	"headroom/internal/local/endpoint"
	"headroom/internal/local/iam"
)

// designOf reads what a request wants a stack to be made by. What an update does not say stays as it is.
func (e *Engine) designOf(ctx context.Context, r request, s *stack) (design, error) {
	e.mu.Lock()
	before := s.design
	e.mu.Unlock()
	if r.role == "" {
		r.role = before.role
	}
	if r.role != "" && e.config.Roles != nil {
		// CloudFormation assumes the role on behalf of the account.
		source := iam.Context{"aws:SourceAccount": {e.config.Account}}
		if err := e.config.Roles.MayAssume("cloudformation.amazonaws.com", r.role, source); err != nil {
			return design{}, validation("Role %s is invalid or cannot be assumed", r.role)
		}
	}
	d := design{document: before.document, tags: before.tags, role: r.role}
	if r.tags != nil {
		d.tags = r.tags
	}
	var err error
	if !r.previousTemplate {
		if d.document, err = e.document(ctx, r); err != nil {
			return design{}, err
		}
	}
	if d.template, err = template.Parse(d.document); err != nil {
		return design{}, validation("Template format error: %v", err)
	}
	if err := r.mayMake(d.template); err != nil {
		return design{}, err
	}
	if err := e.knows(d.template); err != nil {
		return design{}, err
	}
	if d.given, err = r.given(before); err != nil {
		return design{}, err
	}
	if d.parameters, err = d.template.Resolve(ctx, d.given, e.lookupFor(r)); err != nil {
		return design{}, validation("%v", err)
	}
	for name, p := range d.template.Parameters {
		if _, ok := d.given[name]; !ok {
			d.given[name] = template.Text(p.Default)
		}
	}
	if d.order, err = present(d.template, e.scope(s.as(d))); err != nil {
		return design{}, validation("Template error: %v", err)
	}
	if len(d.order) == 0 {
		return design{}, validation("Template error: no resource's condition holds")
	}
	return d, nil
}

// as is a stack as it would be by another design, with the resources that it has.
func (s *stack) as(d design) *stack {
	return &stack{id: s.id, name: s.name, design: d, records: s.records}
}

// given are the parameters of a request, with the values that it wants kept. One of an SSM type keeps the name
// that it is looked up by, not what was found.
func (r request) given(before design) (map[string]string, error) {
	given := maps.Clone(r.parameters)
	for _, name := range r.previous {
		if given[name] != "" {
			return nil, validation("Invalid input for parameter key %s. Cannot specify usePreviousValue as true and non empty value for a parameter", name)
		}
		value, ok := before.given[name]
		if !ok {
			return nil, validation("Invalid input for parameter key %s. Cannot specify usePreviousValue as true for a parameter key not in the previous template", name)
		}
		given[name] = value
	}
	return given, nil
}

// mayMake refuses a template that makes IAM resources unless the caller acknowledged that.
func (r request) mayMake(t *template.Template) error {
	needed := ""
	for _, declared := range t.Resources {
		if !strings.HasPrefix(declared.Type, "AWS::IAM::") {
			continue
		}
		if declared.Properties["RoleName"] != nil || declared.Properties["ManagedPolicyName"] != nil {
			needed = "CAPABILITY_NAMED_IAM"
			break
		}
		needed = "CAPABILITY_IAM"
	}
	if needed == "" || slices.Contains(r.capabilities, needed) || slices.Contains(r.capabilities, "CAPABILITY_NAMED_IAM") {
		return nil
	}
	return &endpoint.Error{Code: "InsufficientCapabilitiesException", Message: fmt.Sprintf("Requires capabilities : [%s]", needed)}
}

// knows refuses a template with resources that nobody makes: AWS, too, looks at all types first.
func (e *Engine) knows(t *template.Template) error {
	var unknown []string
	for _, declared := range t.Resources {
		if _, ok := e.providers[declared.Type]; !ok {
			unknown = append(unknown, declared.Type)
		}
	}
	return endpoint.Refused(constraint.ResourceTypes(unknown))
}

// document gets the template that a request names.
func (e *Engine) document(ctx context.Context, r request) ([]byte, error) {
	if r.body != "" {
		return []byte(r.body), nil
	}
	bucket, key, ok := endpoint.ObjectOf(r.url)
	if !ok {
		return nil, validation("TemplateURL must be a supported URL.")
	}
	document, err := e.config.Objects.Get(ctx, bucket, key)
	if err != nil {
		return nil, validation("S3 error: %v", err)
	}
	if len(document) > maxFromS3 {
		return nil, validation("Template may not exceed %d bytes in size.", maxFromS3)
	}
	return document, nil
}

// bootstrapVersion is what a bootstrapped account says, well above what any synthesizer asks for.
const bootstrapVersion = "100"

// lookupFor returns the lookup of SSM parameters for a request. The account counts as bootstrapped for
// CDK.
func (e *Engine) lookupFor(r request) template.Lookup {
	return func(ctx context.Context, name string) (string, error) {
		if err := e.mayRead(r, name); err != nil {
			return "", fmt.Errorf("AccessDenied. User doesn't have permission to call ssm:GetParameters: %w", err)
		}
		if strings.HasPrefix(name, "/cdk-bootstrap/") {
			return bootstrapVersion, nil
		}
		if e.config.Parameter == nil {
			return "", fmt.Errorf("parameter %s not found", name)
		}
		return e.config.Parameter(ctx, name)
	}
}

// mayRead checks that an SSM parameter may be read for a stack. CloudFormation reads it with the
// rights of whoever creates the stack (https://github.com/aws/aws-cdk/issues/10083), or with those of
// the service role, where there is one. Here both must have them.
func (e *Engine) mayRead(r request, name string) error {
	if e.config.Roles == nil {
		return nil
	}
	account := e.config.Account
	if strings.HasPrefix(name, "/aws/service/") {
		account = "" // AWS's own
	}
	parameter := fmt.Sprintf("arn:aws:ssm:%s:%s:parameter/%s", e.config.Region, account, strings.TrimPrefix(name, "/"))
	readers := []string{r.caller}
	if r.role != "" {
		readers = append(readers, e.session(r.role))
	}
	for _, reader := range readers {
		if reader == "" {
			continue // the account's owner
		}
		if err := e.config.Roles.Allowed(reader, "ssm:GetParameters", parameter, nil); err != nil {
			return err
		}
	}
	return nil
}
