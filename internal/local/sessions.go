package local

import (
	"headroom/internal/local/endpoint"
	"headroom/internal/local/iam"
	"headroom/internal/local/service/sts"
)

// sessions makes what tells callers who they are, and lets them be others.
func (c *Cloud) sessions() endpoint.Service {
	return sts.New(sts.Config{
		Account: c.Account, Keys: c.keys,
		Assume: func(principal, role, session, policy string) (string, error) {
			if policy == "" {
				return c.Policies.Assume(principal, role, session, nil)
			}
			bound, err := iam.ParseDocument(policy)
			if err != nil {
				return "", &endpoint.Error{Code: "MalformedPolicyDocument", Message: err.Error()}
			}
			return c.Policies.Assume(principal, role, session, &bound)
		},
	}).Service()
}
