package iam

import (
	"context"
	"errors"
	"net/http"

	"headroom/internal/local/endpoint"
)

// need is one permission that a call takes.
type need struct {
	action   string
	resource string
	context  Context
}

// Authorize decides a call by everything that it needs (see needs). A refusal is an *endpoint.Error
// in the service's own shape.
func (s *Store) Authorize(_ context.Context, call endpoint.Call) error {
	for _, n := range s.needs(call) {
		if err := s.Allowed(call.Principal, n.action, n.resource, n.context); err != nil {
			var denied *Denied
			if !errors.As(err, &denied) {
				return err
			}
			return asAWS(call.Service, denied)
		}
	}
	return nil
}

// asAWS words a refusal as the service would.
func asAWS(service string, denied *Denied) error {
	e := &endpoint.Error{Code: "AccessDeniedException", Message: denied.Error()}
	switch service {
	case "ec2":
		e.Code, e.Status = "UnauthorizedOperation", http.StatusForbidden
		e.Message = "You are not authorized to perform this operation. " + e.Message
	case "lambda", "scheduler":
		e.Status = http.StatusForbidden
	case "sns":
		e.Code, e.Status = "AuthorizationError", http.StatusForbidden
	case "s3", "cloudformation", "rds", "monitoring", "sts", "iam":
		e.Code, e.Status = "AccessDenied", http.StatusForbidden
	}
	return e
}
