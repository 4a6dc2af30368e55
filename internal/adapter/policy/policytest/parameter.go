// Package policytest is an SSM parameter with its history, listed in small pages.
package policytest

import (
	"context"
	"strconv"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// pageSize is how many versions of the history one answer lists.
const pageSize = 2

// Parameter is one parameter.
type Parameter struct {
	mu       sync.Mutex
	name     string
	versions []string
	reads    int
}

// New is a parameter with a first version.
func New(name, value string) *Parameter { return &Parameter{name: name, versions: []string{value}} }

// Put adds a version.
func (p *Parameter) Put(value string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.versions = append(p.versions, value)
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
	if aws.ToString(in.Name) != p.name {
		return nil, &types.ParameterNotFound{}
	}
	last := len(p.versions) - 1
	return &ssm.GetParameterOutput{Parameter: &types.Parameter{Name: &p.name, Value: aws.String(p.versions[last]), Version: int64(last + 1)}}, nil
}

// GetParameterHistory is SSM's: oldest first.
func (p *Parameter) GetParameterHistory(ctx context.Context, in *ssm.GetParameterHistoryInput, _ ...func(*ssm.Options)) (*ssm.GetParameterHistoryOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if aws.ToString(in.Name) != p.name {
		return nil, &types.ParameterNotFound{}
	}
	from, _ := strconv.Atoi(aws.ToString(in.NextToken))
	to := min(from+pageSize, len(p.versions))
	out := &ssm.GetParameterHistoryOutput{}
	for i := from; i < to; i++ {
		out.Parameters = append(out.Parameters, types.ParameterHistory{Name: &p.name, Value: aws.String(p.versions[i]), Version: int64(i + 1)})
	}
	if to < len(p.versions) {
		out.NextToken = aws.String(strconv.Itoa(to))
	}
	return out, nil
}
