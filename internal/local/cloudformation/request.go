package cloudformation

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"headroom/internal/local/cloudformation/template"
	"headroom/internal/local/constraint"
	"headroom/internal/local/endpoint"
)

// Limits of a template, in bytes: given inline, and from S3.
const (
	maxInline = 51_200
	maxFromS3 = 1 << 20
)

// check refuses what the real one refuses before it looks at the template.
func (r createRequest) check() error {
	var token *string
	if r.token != "" {
		token = &r.token
	}
	if refused := constraint.Stack(&r.name, token, r.tags); refused != nil {
		return endpoint.Refused(refused)
	}
	switch {
	case len(r.body) > maxInline:
		return validation("1 validation error detected: Value at 'templateBody' failed to satisfy constraint: "+
			"Member must have length less than or equal to %d", maxInline)
	case (r.body == "") == (r.url == ""):
		return validation("Either Template URL or Template Body must be specified.")
	}
	return nil
}

// mayMake refuses a template that makes IAM resources unless the caller acknowledged that.
func (r createRequest) mayMake(t *template.Template) error {
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
func (e *Engine) document(ctx context.Context, r createRequest) ([]byte, error) {
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

func (e *Engine) newStackID(name string) string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	h := hex.EncodeToString(b[:])
	uuid := strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
	return fmt.Sprintf("arn:aws:cloudformation:%s:%s:stack/%s/%s", e.config.Region, e.config.Account, name, uuid)
}

// bootstrapVersion is what a bootstrapped account says, well above what any synthesizer asks for.
const bootstrapVersion = "100"

// lookupFor returns the lookup of SSM parameters for a request. The account counts as bootstrapped for
// CDK.
func (e *Engine) lookupFor(r createRequest) template.Lookup {
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
func (e *Engine) mayRead(r createRequest, name string) error {
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
