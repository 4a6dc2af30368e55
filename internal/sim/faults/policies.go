package faults

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"headroom/internal/adapter/policy"
	"headroom/internal/pool"
)

// bounds are what hosts bear here.
var bounds = pool.Bounds{DatabaseSlots: 100}

// parameter is the policy document in the Parameter Store, in all its versions.
type parameter struct{ versions []string }

// put writes a version.
func (p *parameter) put(text string) { p.versions = append(p.versions, text) }

// GetParameter is SSM's.
func (p *parameter) GetParameter(context.Context, *ssm.GetParameterInput, ...func(*ssm.Options)) (*ssm.GetParameterOutput, error) {
	n := len(p.versions)
	return &ssm.GetParameterOutput{Parameter: &types.Parameter{Version: int64(n), Value: aws.String(p.versions[n-1])}}, nil
}

// GetParameterHistory is SSM's, in one page.
func (p *parameter) GetParameterHistory(context.Context, *ssm.GetParameterHistoryInput, ...func(*ssm.Options)) (*ssm.GetParameterHistoryOutput, error) {
	out := &ssm.GetParameterHistoryOutput{}
	for i, text := range p.versions {
		out.Parameters = append(out.Parameters, types.ParameterHistory{Version: int64(i + 1), Value: aws.String(text)})
	}
	return out, nil
}

// policies are what a function goes by, which keeps a document for a while, and goes by the last valid one.
type policies struct {
	w    *world
	next *policy.Source
}

func (w *world) policies(now func() time.Time) policies {
	return policies{w, &policy.Source{Client: w.parameter, Parameter: "policies", Bounds: bounds, Now: now, Metrics: none, Log: slog.New(slog.DiscardHandler)}}
}

// Load returns the policies in force.
func (p policies) Load(ctx context.Context) (pool.Policies, error) {
	return answered(p.w, "Load", func() (pool.Policies, error) { return p.next.Load(ctx) })
}

// Document returns the document in force.
func (p policies) Document(ctx context.Context) (pool.Document, error) {
	return answered(p.w, "Document", func() (pool.Document, error) { return p.next.Document(ctx) })
}

// Terms returns the terms in force.
func (p policies) Terms(ctx context.Context) (pool.Terms, error) {
	return answered(p.w, "Terms", func() (pool.Terms, error) { return p.next.Terms(ctx) })
}

// Drills returns the drills on record.
func (p policies) Drills(ctx context.Context) ([]pool.Drill, error) {
	return answered(p.w, "Drills", func() ([]pool.Drill, error) { return p.next.Drills(ctx) })
}

// inForce puts a document in force.
func (w *world) inForce(d pool.Document) {
	text, err := json.Marshal(d)
	must(w, text, err)
	_, err = pool.ParseDocument(text, bounds)
	must(w, 0, err)
	w.document = d
	w.trace("the policies are %+v", d)
	w.limited(d)
	w.parameter.put(string(text))
}

// spoil has operators write what nobody can mean: what was in force stays so.
func (w *world) spoil() {
	texts := []string{
		"", "{", `{"version":"1"}`, `{"version":"2","pools":[]}`,
		`{"version":"1","pools":[{"kind":"database","tier":"standard","slotsPerHost":0,"ceiling":1000,"maxOrders":100}]}`,
	}
	text := texts[w.will.IntN(len(texts))]
	w.trace("the policies are to be %q", text)
	w.parameter.put(text)
}
