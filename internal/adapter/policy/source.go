// Package policy reads the pool policies from their SSM parameter.
package policy

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

// TTL is how long policies are kept in memory when a Source does not say: a change is in force
// everywhere after that time.
const TTL = 30 * time.Second

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
	r, err := Read(ctx, s.Client, s.Parameter, s.Bounds)
	if r.Invalid == nil {
		return r.Document, err
	}
	s.Metrics.Count(telemetry.PolicyInvalid, 1)
	if err != nil {
		return pool.Document{}, err
	}
	s.Log.ErrorContext(ctx, "policy is invalid, an older version is in force",
		"parameter", s.Parameter, "version", r.Version, "reasons", r.Invalid.Error(), "inForce", r.InForce)
	return r.Document, nil
}
