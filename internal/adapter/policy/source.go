// Package policy reads the pool policies from their SSM parameter.
package policy

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

// TTL is how long policies are kept in memory when a Source does not say: a change is in force
// everywhere after that time.
const TTL = 30 * time.Second

// historyPages bounds how far back a valid version is searched: pages of 50.
const historyPages = 3

type client interface {
	GetParameter(ctx context.Context, in *ssm.GetParameterInput, opts ...func(*ssm.Options)) (*ssm.GetParameterOutput, error)
	GetParameterHistory(ctx context.Context, in *ssm.GetParameterHistoryInput, opts ...func(*ssm.Options)) (*ssm.GetParameterHistoryOutput, error)
}

// Source returns the policies in force: those of the newest valid version of the parameter.
type Source struct {
	Client    client
	Parameter string // name
	Bounds    pool.Bounds
	Now       func() time.Time
	TTL       time.Duration // 0: the package's
	Metrics   telemetry.Recorder
	Log       *slog.Logger

	mu     sync.Mutex
	loaded *pool.Document
	until  time.Time
}

// Load returns the policies, from memory while they are fresh. An invalid newest version is logged
// with its reasons and counted, and the newest valid one is in force; that there is none is an error.
func (s *Source) Load(ctx context.Context) (pool.Policies, error) {
	doc, err := s.document(ctx)
	return slices.Clone(doc.Pools), err
}

// Terms returns the terms in force, as Load does the policies.
func (s *Source) Terms(ctx context.Context) (pool.Terms, error) {
	doc, err := s.document(ctx)
	return doc.Terms, err
}

// Drills returns the drills on record, as Load does the policies.
func (s *Source) Drills(ctx context.Context) ([]pool.Drill, error) {
	doc, err := s.document(ctx)
	return slices.Clone(doc.Drills), err
}

// Document returns all of the document in force, as Load does its policies.
func (s *Source) Document(ctx context.Context) (pool.Document, error) {
	doc, err := s.document(ctx)
	doc.Pools, doc.Drills = slices.Clone(doc.Pools), slices.Clone(doc.Drills)
	return doc, err
}

func (s *Source) document(ctx context.Context) (pool.Document, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.loaded != nil && s.Now().Before(s.until) {
		return *s.loaded, nil
	}
	doc, err := s.read(ctx)
	if err != nil {
		return pool.Document{}, err
	}
	ttl := s.TTL
	if ttl == 0 {
		ttl = TTL
	}
	s.loaded, s.until = &doc, s.Now().Add(ttl)
	return doc, nil
}

func (s *Source) read(ctx context.Context) (pool.Document, error) {
	out, err := s.Client.GetParameter(ctx, &ssm.GetParameterInput{Name: &s.Parameter})
	if err != nil {
		return pool.Document{}, fmt.Errorf("read the policies from parameter %s: %w", s.Parameter, err)
	}
	if out.Parameter == nil {
		return pool.Document{}, fmt.Errorf("read the policies from parameter %s: the answer is empty", s.Parameter)
	}
	doc, invalid := pool.ParseDocument([]byte(aws.ToString(out.Parameter.Value)), s.Bounds)
	if invalid == nil {
		return doc, nil
	}
	s.Metrics.Count(telemetry.PolicyInvalid, 1)
	doc, version, err := s.lastValid(ctx)
	if err != nil {
		return pool.Document{}, fmt.Errorf("version %d of parameter %s is invalid (%w), and no older one can be used: %w",
			out.Parameter.Version, s.Parameter, invalid, err)
	}
	s.Log.ErrorContext(ctx, "policy is invalid, an older version is in force",
		"parameter", s.Parameter, "version", out.Parameter.Version, "reasons", invalid.Error(), "inForce", version)
	return doc, nil
}

// lastValid finds the newest valid version in the parameter's history, which SSM lists oldest first.
func (s *Source) lastValid(ctx context.Context) (pool.Document, int64, error) {
	var history []types.ParameterHistory
	var next *string
	for range historyPages {
		out, err := s.Client.GetParameterHistory(ctx, &ssm.GetParameterHistoryInput{
			Name: &s.Parameter, NextToken: next, MaxResults: aws.Int32(50),
		})
		if err != nil {
			return pool.Document{}, 0, fmt.Errorf("read the history of parameter %s: %w", s.Parameter, err)
		}
		history = append(history, out.Parameters...)
		if next = out.NextToken; next == nil {
			break
		}
	}
	slices.SortFunc(history, func(a, b types.ParameterHistory) int { return int(b.Version - a.Version) })
	for _, h := range history {
		if doc, err := pool.ParseDocument([]byte(aws.ToString(h.Value)), s.Bounds); err == nil {
			return doc, h.Version, nil
		}
	}
	return pool.Document{}, 0, fmt.Errorf("none of %d versions of parameter %s is valid", len(history), s.Parameter)
}
