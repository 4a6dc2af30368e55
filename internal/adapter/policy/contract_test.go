package policy_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"headroom/internal/adapter/policy/policytest"
	"headroom/internal/local/endpoint/endpointtest"
	localssm "headroom/internal/local/service/ssm"
)

func TestTheFakeKeepsParametersAsSSMDoes(t *testing.T) {
	policytest.Suite(t, func(*testing.T) policytest.Client { return &policytest.Parameter{} })
}

func TestTheLocalCloudKeepsParametersAsSSMDoes(t *testing.T) {
	policytest.Suite(t, func(t *testing.T) policytest.Client {
		parameters := localssm.New(localssm.Config{Account: endpointtest.Account, Region: endpointtest.Region})
		return ssm.NewFromConfig(endpointtest.Serve(t, parameters.Service()))
	})
}
