package sts

import (
	"crypto/rand"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"headroom/internal/local/constraint"
	"headroom/internal/local/endpoint"
)

// The limits of an AssumeRole (AWS STS API Reference, AssumeRole).
const (
	leastLife = 15 * time.Minute
	// mostLife is the most for who has a role itself, and for everybody unless the role says otherwise.
	mostLife   = time.Hour
	policyMost = 2048
)

var (
	sessionName = regexp.MustCompile(`[\w+=,.@-]*`)
	roleARN     = regexp.MustCompile(`arn:aws[a-z-]*:iam::\d{12}:role/.+`)
)

// request is an AssumeRole.
type request struct {
	role, session, policy string
	life                  time.Duration
}

// read reads an AssumeRole, and refuses what STS refuses of its form.
func read(call endpoint.Call) (request, error) {
	role, session, policy := constraint.Text(call.Params, "RoleArn"), constraint.Text(call.Params, "RoleSessionName"), constraint.Text(call.Params, "Policy")
	var c constraint.Check
	c.Required("RoleArn", role)
	c.Length("RoleArn", role, 20, 2048)
	c.Required("RoleSessionName", session)
	c.Length("RoleSessionName", session, 2, 64)
	c.Match("RoleSessionName", session, sessionName)
	c.Length("Policy", policy, 1, policyMost)
	if message := c.Message(); message != "" {
		return request{}, invalid(message)
	}
	if !roleARN.MatchString(*role) {
		return request{}, invalid(*role + " is invalid")
	}
	in := request{role: *role, session: *session, life: mostLife}
	if policy != nil {
		in.policy = *policy
	}
	if seconds := constraint.Text(call.Params, "DurationSeconds"); seconds != nil {
		n, err := strconv.Atoi(*seconds)
		if err != nil || time.Duration(n)*time.Second < leastLife {
			return request{}, invalid(fmt.Sprintf("1 validation error detected: Value '%s' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900", *seconds))
		}
		if in.life = time.Duration(n) * time.Second; in.life > mostLife {
			if call.Principal != "" {
				return request{}, invalid("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
			}
			return request{}, invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
		}
	}
	return in, nil
}

func invalid(message string) error { return &endpoint.Error{Code: "ValidationError", Message: message} }

func newKeyID() string { return "ASIA" + rand.Text()[:16] }
