package cloudformation

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
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

// request are the parameters of CreateStack, UpdateStack and CreateChangeSet.
type request struct {
	caller                                  string // ARN of the principal; empty for the account's owner
	name, body, url, token, role, onFailure string
	parameters                              map[string]string
	previous                                []string          // parameters that keep their values
	tags                                    map[string]string // nil: not given
	capabilities                            []string
	protected, previousTemplate             bool
}

func requestOf(call endpoint.Call) request {
	text := func(name string) string { s, _ := call.Params[name].(string); return s }
	r := request{
		caller: call.Principal,
		name:   text("StackName"), body: text("TemplateBody"), url: text("TemplateURL"), token: text("ClientRequestToken"),
		role: text("RoleARN"), onFailure: text("OnFailure"), protected: text("EnableTerminationProtection") == "true",
		previousTemplate: text("UsePreviousTemplate") == "true",
		parameters:       pairs(call.Params["Parameters"], "ParameterKey", "ParameterValue"),
	}
	parameters, _ := call.Params["Parameters"].([]any)
	for _, p := range parameters {
		if m, ok := p.(map[string]any); ok && template.Text(m["UsePreviousValue"]) == "true" {
			r.previous = append(r.previous, template.Text(m["ParameterKey"]))
		}
	}
	if tags, given := call.Params["Tags"]; given { // an empty list, too: then there are to be none
		r.tags = pairs(tags, "Key", "Value")
	}
	capabilities, _ := call.Params["Capabilities"].([]any)
	for _, c := range capabilities {
		r.capabilities = append(r.capabilities, template.Text(c))
	}
	if text("DisableRollback") == "true" {
		r.onFailure = "DO_NOTHING"
	}
	return r
}

// pairs folds a list of named values. Those without a value are left out.
func pairs(list any, key, value string) map[string]string {
	folded := map[string]string{}
	elements, _ := list.([]any)
	for _, element := range elements {
		if m, ok := element.(map[string]any); ok && m[value] != nil {
			folded[template.Text(m[key])] = template.Text(m[value])
		}
	}
	return folded
}

// check refuses what the real one refuses before it looks at the template.
func (r request) check() error {
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
	case r.previousTemplate && r.body == "" && r.url == "":
		return nil
	case r.previousTemplate || (r.body == "") == (r.url == ""):
		return validation("Either Template URL or Template Body must be specified.")
	}
	return nil
}

func (e *Engine) newStackID(name string) string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	h := hex.EncodeToString(b[:])
	uuid := strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
	return fmt.Sprintf("arn:aws:cloudformation:%s:%s:stack/%s/%s", e.config.Region, e.config.Account, name, uuid)
}
