package ssm

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"headroom/internal/local/constraint"
	"headroom/internal/local/endpoint"
)

const (
	// versionsKept is how many versions the Parameter Store keeps.
	versionsKept = 100
	// historyMax is how many versions an answer lists at most, and unless the caller says.
	historyMax = 50
)

// history lists a parameter's versions, the oldest first.
func (p *Parameters) history(_ context.Context, call endpoint.Call) (any, error) {
	input, err := decode(call)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	versions := p.byName[input.Name]
	if len(versions) == 0 {
		return nil, errNotFound
	}
	from, err := strconv.Atoi("0" + input.NextToken)
	if err != nil || from > len(versions) {
		return nil, &endpoint.Error{Code: "InvalidNextToken", Message: "The specified token isn't valid."}
	}
	size := int(input.MaxResults)
	if size < 1 || size > historyMax {
		size = historyMax
	}
	to := min(from+size, len(versions))
	list := []any{}
	for _, version := range versions[from:to] {
		item := p.shown(version)
		delete(item, "ARN")
		item["LastModifiedUser"], item["Tier"] = version.user, version.tier
		list = append(list, item)
	}
	answer := map[string]any{"Parameters": list}
	if to < len(versions) {
		answer["NextToken"] = strconv.Itoa(to)
	}
	return answer, nil
}

func (p *Parameters) put(_ context.Context, call endpoint.Call) (any, error) {
	input, err := decode(call)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	exists := len(p.byName[input.Name]) > 0
	text := func(member string) *string { return constraint.Text(call.Params, member) }
	if r := constraint.Parameter(text("Name"), text("Type"), text("Tier"), exists); r != nil {
		return nil, endpoint.Refused(r)
	}
	if input.Value == "" {
		return nil, &endpoint.Error{Code: "ValidationException", Message: "1 validation error detected: Value at 'value' failed to satisfy constraint: Member must have length greater than or equal to 1"}
	}
	if strings.HasPrefix(input.Name, "/aws") || strings.HasPrefix(input.Name, "aws") {
		return nil, &endpoint.Error{Code: "AccessDeniedException", Message: "No access to reserved parameter name: " + input.Name + "."}
	}
	if exists && !bool(input.Overwrite) {
		return nil, &endpoint.Error{
			Code:    "ParameterAlreadyExists",
			Message: "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
		}
	}
	user := call.Principal
	if user == "" {
		user = "arn:aws:iam::" + p.cfg.Account + ":root"
	}
	made, err := p.setLocked(parameter{
		name: input.Name, kind: input.Type, tier: input.Tier, description: input.Description, value: input.Value, user: user,
	})
	if err != nil {
		return nil, err
	}
	return map[string]any{"Version": made.version, "Tier": made.tier}, nil
}

// setLocked adds a version, of the tier that is asked for or that the value needs.
func (p *Parameters) setLocked(made parameter) (parameter, error) {
	versions := p.byName[made.name]
	last := parameter{}
	if len(versions) > 0 {
		last = versions[len(versions)-1]
	}
	tier, refused := constraint.ParameterTier(made.tier, last.tier, made.value)
	if refused != nil {
		return parameter{}, endpoint.Refused(refused)
	}
	made.tier, made.version, made.modified = tier, last.version+1, p.cfg.Clock.Now()
	if made.kind == "" {
		made.kind = last.kind
	}
	versions = append(versions, made)
	p.byName[made.name] = slices.Clone(versions[max(0, len(versions)-versionsKept):])
	return made, nil
}
