// Package secretsmanager fakes AWS Secrets Manager: secrets with versions, in memory only.
package secretsmanager

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"strings"
	"sync"
	"time"

	"headroom/internal/local/constraint"
	"headroom/internal/local/endpoint"
	"headroom/internal/local/weakjson"
)

// Config is what the fake needs.
type Config struct {
	Account string
	Region  string

	Lag time.Duration // a change does not show in answers for so long; default 30 ms

	Now func() time.Time // default time.Now
}

// Secrets is the fake. Its methods may be called at once.
type Secrets struct {
	cfg Config

	mu     sync.Mutex
	byName map[string]*secret
}

// secret is one secret with its versions.
type secret struct {
	name, arn, keyID, description, owner string
	created, changed                     time.Time
	deleted                              time.Time // zero unless it is scheduled for deletion
	tags                                 map[string]string
	versions                             map[string]*version
	current, previous                    string    // version ids
	staged                               time.Time // when current became so
}

// version is one value of a secret.
type version struct {
	id      string
	text    string
	created time.Time
}

// Errors in the service's words.
var (
	errNotFound = &endpoint.Error{Code: "ResourceNotFoundException", Message: "Secrets Manager can't find the specified secret."}
	errDeleted  = &endpoint.Error{
		Code:    "InvalidRequestException",
		Message: "You can't perform this operation on the secret because it was marked for deletion.",
	}
)

// New returns a fake without secrets.
func New(cfg Config) *Secrets {
	if cfg.Lag == 0 {
		cfg.Lag = 30 * time.Millisecond
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Secrets{cfg: cfg, byName: map[string]*secret{}}
}

// Service answers Secrets Manager's API.
func (s *Secrets) Service() endpoint.Service {
	return endpoint.Service{Name: "secretsmanager", Operations: map[string]endpoint.Operation{
		"CreateSecret":   s.create,
		"GetSecretValue": s.get,
		"PutSecretValue": s.put,
		"DescribeSecret": s.describe,
		"ListSecrets":    s.list,
		"DeleteSecret":   s.delete,
		"TagResource":    s.tag,
		"UntagResource":  s.untag,
	}}
}

// request is the input of all operations; each looks at its own members.
type request struct {
	Name               string         `json:"Name"`
	SecretID           string         `json:"SecretId"`
	ClientRequestToken string         `json:"ClientRequestToken"`
	SecretString       *string        `json:"SecretString"`
	Description        string         `json:"Description"`
	KmsKeyID           string         `json:"KmsKeyId"`
	VersionID          string         `json:"VersionId"`
	VersionStage       string         `json:"VersionStage"`
	Tags               []weakjson.Tag `json:"Tags"`
	TagKeys            []string       `json:"TagKeys"`
	RecoveryWindow     weakjson.Int   `json:"RecoveryWindowInDays"`
	Force              weakjson.Bool  `json:"ForceDeleteWithoutRecovery"`
}

func decode(call endpoint.Call) (request, error) {
	var input request
	if err := weakjson.Decode(call.Params, &input); err != nil {
		return input, &endpoint.Error{Code: "InvalidParameterException", Message: "The request can't be read."}
	}
	if r := constraint.SecretValue(input.SecretString, constraint.Text(call.Params, "ClientRequestToken")); r != nil {
		return input, endpoint.Refused(r)
	}
	return input, nil
}

// find finds a secret by its name, its ARN, or its ARN without the random end; the caller holds the lock.
func (s *Secrets) find(id string) (*secret, error) {
	if found := s.byName[id]; found != nil {
		return found, nil
	}
	for _, candidate := range s.byName {
		if candidate.arn == id || candidate.arn[:len(candidate.arn)-7] == id {
			return candidate, nil
		}
	}
	return nil, errNotFound
}

func (s *Secrets) create(_ context.Context, call endpoint.Call) (any, error) {
	input, err := decode(call)
	if err != nil {
		return nil, err
	}
	if r := constraint.Secret(constraint.Text(call.Params, "Name"), nil, nil); r != nil {
		return nil, endpoint.Refused(r)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	token := input.ClientRequestToken
	if token == "" {
		token = newToken()
	}
	if there := s.byName[input.Name]; there != nil {
		if !there.deleted.IsZero() {
			return nil, &endpoint.Error{
				Code:    "InvalidRequestException",
				Message: "You can't create this secret because a secret with this name is already scheduled for deletion.",
			}
		}
		if v := there.versions[token]; v != nil && input.SecretString != nil && same(v.text, *input.SecretString) {
			return there.named(token), nil // the same request again
		}
		return nil, &endpoint.Error{
			Code:    "ResourceExistsException",
			Message: fmt.Sprintf("The operation failed because the secret %s already exists.", input.Name),
		}
	}
	made := s.addLocked(input.Name, input.KmsKeyID, "", weakjson.Tags(nil, input.Tags))
	made.description = input.Description
	if input.SecretString != nil {
		made.stage(&version{id: token, text: *input.SecretString, created: s.cfg.Now()})
	}
	return made.named(token), nil
}

func (s *Secrets) put(_ context.Context, call endpoint.Call) (any, error) {
	input, err := decode(call)
	if err != nil {
		return nil, err
	}
	if input.SecretString == nil {
		return nil, &endpoint.Error{Code: "InvalidRequestException", Message: "You must provide either SecretString or SecretBinary."}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.find(input.SecretID)
	switch {
	case err != nil:
		return nil, err
	case !found.deleted.IsZero():
		return nil, errDeleted
	case found.owner != "":
		return nil, &endpoint.Error{
			Code:    "InvalidRequestException",
			Message: fmt.Sprintf("The secret is managed by %s: you can't change its value.", found.owner),
		}
	}
	token := input.ClientRequestToken
	if token == "" {
		token = newToken()
	}
	if v := found.versions[token]; v != nil {
		if !same(v.text, *input.SecretString) {
			return nil, &endpoint.Error{
				Code:    "ResourceExistsException",
				Message: "You can't use ClientRequestToken " + token + " because that value is already in use for a version of the secret.",
			}
		}
		return found.stagedAs(token), nil
	}
	found.stage(&version{id: token, text: *input.SecretString, created: s.cfg.Now()})
	return found.stagedAs(token), nil
}

func (s *Secrets) get(_ context.Context, call endpoint.Call) (any, error) {
	input, err := decode(call)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.find(input.SecretID)
	if err != nil {
		return nil, err
	}
	if !found.deleted.IsZero() {
		return nil, errDeleted
	}
	id := input.VersionID
	if id == "" {
		switch input.VersionStage {
		case "", "AWSCURRENT":
			id = found.current
			// A new value takes a moment to be seen everywhere.
			if s.cfg.Now().Sub(found.staged) < s.cfg.Lag {
				id = found.previous
			}
		case "AWSPREVIOUS":
			id = found.previous
		}
	}
	v := found.versions[id]
	if v == nil {
		if len(found.versions) == 0 || input.VersionID == "" && s.cfg.Now().Sub(found.staged) < s.cfg.Lag {
			return nil, errNotFound
		}
		return nil, &endpoint.Error{
			Code:    "ResourceNotFoundException",
			Message: "Secrets Manager can't find the specified secret value for the requested version.",
		}
	}
	return map[string]any{
		"ARN": found.arn, "Name": found.name, "VersionId": v.id, "SecretString": v.text,
		"VersionStages": found.stagesOf(v.id), "CreatedDate": epoch(v.created),
	}, nil
}

func (s *Secrets) describe(_ context.Context, call endpoint.Call) (any, error) {
	input, err := decode(call)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.find(input.SecretID)
	if err != nil {
		return nil, err
	}
	return found.described(), nil
}

func (s *Secrets) delete(_ context.Context, call endpoint.Call) (any, error) {
	input, err := decode(call)
	if err != nil {
		return nil, err
	}
	if bool(input.Force) && input.RecoveryWindow != 0 {
		return nil, &endpoint.Error{
			Code:    "InvalidParameterException",
			Message: "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.find(input.SecretID)
	switch {
	case err != nil && bool(input.Force): // deleting by force what is not there succeeds
		return map[string]any{"Name": input.SecretID, "DeletionDate": epoch(s.cfg.Now())}, nil
	case err != nil:
		return nil, err
	case found.owner != "":
		return nil, &endpoint.Error{
			Code:    "InvalidRequestException",
			Message: fmt.Sprintf("The secret is managed by %s: you can't delete it.", found.owner),
		}
	}
	if input.Force {
		delete(s.byName, found.name)
		return map[string]any{"ARN": found.arn, "Name": found.name, "DeletionDate": epoch(s.cfg.Now())}, nil
	}
	window := int(input.RecoveryWindow)
	if window == 0 {
		window = 30
	}
	if window < 7 || window > 30 {
		return nil, &endpoint.Error{
			Code:    "InvalidParameterException",
			Message: "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
		}
	}
	if found.deleted.IsZero() {
		found.deleted = s.cfg.Now().AddDate(0, 0, window)
	}
	return map[string]any{"ARN": found.arn, "Name": found.name, "DeletionDate": epoch(found.deleted)}, nil
}

func (s *Secrets) tag(_ context.Context, call endpoint.Call) (any, error) {
	return s.changeTags(call, func(found *secret, input request) {
		found.tags = weakjson.Tags(found.tags, input.Tags)
	})
}

func (s *Secrets) untag(_ context.Context, call endpoint.Call) (any, error) {
	return s.changeTags(call, func(found *secret, input request) {
		for _, key := range input.TagKeys {
			delete(found.tags, key)
		}
	})
}

func (s *Secrets) changeTags(call endpoint.Call, change func(*secret, request)) (any, error) {
	input, err := decode(call)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.find(input.SecretID)
	if err != nil {
		return nil, err
	}
	if !found.deleted.IsZero() {
		return nil, errDeleted
	}
	change(found, input)
	return map[string]any{}, nil
}

// same compares secrets.
func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func newToken() string {
	return strings.ToLower(rand.Text() + rand.Text())[:36]
}

func epoch(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
