// Package policytest is an SSM parameter with its history, listed in small pages.
package policytest

import (
	"context"
	"strconv"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"

	"headroom/internal/local/constraint"
)

// pageSize is how many versions of the history one answer lists.
const pageSize = 2

// Parameter is one parameter. The zero value is none yet.
type Parameter struct {
	mu       sync.Mutex
	name     string
	kind     types.ParameterType
	tier     string
	versions []string
	reads    int
}

// New is a parameter with a first version.
func New(name, value string) *Parameter {
	return &Parameter{name: name, kind: types.ParameterTypeString, tier: constraint.TierStandard, versions: []string{value}}
}

// Put adds a version, as Intelligent-Tiering has it.
func (p *Parameter) Put(value string) {
	_, err := p.PutParameter(context.Background(), &ssm.PutParameterInput{
		Name: &p.name, Value: &value, Tier: types.ParameterTierIntelligentTiering, Overwrite: aws.Bool(true),
	})
	if err != nil {
		panic(err) // a test that puts what the Parameter Store refuses
	}
}

// PutParameter is SSM's.
func (p *Parameter) PutParameter(ctx context.Context, in *ssm.PutParameterInput, _ ...func(*ssm.Options)) (*ssm.PutParameterOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if r := constraint.Parameter(in.Name, word(string(in.Type)), word(string(in.Tier)), len(p.versions) > 0); r != nil {
		return nil, refuse(r)
	}
	if len(p.versions) > 0 && !aws.ToBool(in.Overwrite) {
		return nil, &types.ParameterAlreadyExists{}
	}
	tier, r := constraint.ParameterTier(string(in.Tier), p.tier, aws.ToString(in.Value))
	if r != nil {
		return nil, refuse(r)
	}
	if in.Type != "" {
		p.kind = in.Type
	}
	p.name, p.tier, p.versions = *in.Name, tier, append(p.versions, aws.ToString(in.Value))
	return &ssm.PutParameterOutput{Version: int64(len(p.versions)), Tier: types.ParameterTier(tier)}, nil
}

// word is a member that the SDK leaves out when it is empty.
func word(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func refuse(r *constraint.Refusal) error {
	return &smithy.GenericAPIError{Code: r.Code, Message: r.Message}
}

// Reads returns how often the parameter was read.
func (p *Parameter) Reads() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reads
}

// GetParameter is SSM's.
func (p *Parameter) GetParameter(ctx context.Context, in *ssm.GetParameterInput, _ ...func(*ssm.Options)) (*ssm.GetParameterOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reads++
	if aws.ToString(in.Name) != p.name || len(p.versions) == 0 {
		return nil, &types.ParameterNotFound{}
	}
	last := len(p.versions) - 1
	return &ssm.GetParameterOutput{Parameter: &types.Parameter{
		Name: &p.name, Type: p.kind, Value: aws.String(p.versions[last]), Version: int64(last + 1),
	}}, nil
}

// GetParameterHistory is SSM's: oldest first.
func (p *Parameter) GetParameterHistory(ctx context.Context, in *ssm.GetParameterHistoryInput, _ ...func(*ssm.Options)) (*ssm.GetParameterHistoryOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if aws.ToString(in.Name) != p.name || len(p.versions) == 0 {
		return nil, &types.ParameterNotFound{}
	}
	from, _ := strconv.Atoi(aws.ToString(in.NextToken))
	size := pageSize
	if n := int(aws.ToInt32(in.MaxResults)); n > 0 {
		size = min(size, n)
	}
	to := min(from+size, len(p.versions))
	out := &ssm.GetParameterHistoryOutput{}
	for i := from; i < to; i++ {
		out.Parameters = append(out.Parameters, types.ParameterHistory{Name: &p.name, Value: aws.String(p.versions[i]), Version: int64(i + 1)})
	}
	if to < len(p.versions) {
		out.NextToken = aws.String(strconv.Itoa(to))
	}
	return out, nil
}
