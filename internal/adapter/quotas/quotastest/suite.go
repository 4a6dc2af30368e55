package quotastest

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas/types"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/local/constraint"
)

// Client is what stands for Service Quotas.
type Client interface {
	GetServiceQuota(ctx context.Context, in *servicequotas.GetServiceQuotaInput, opts ...func(*servicequotas.Options)) (*servicequotas.GetServiceQuotaOutput, error)
	GetAWSDefaultServiceQuota(ctx context.Context, in *servicequotas.GetAWSDefaultServiceQuotaInput, opts ...func(*servicequotas.Options)) (*servicequotas.GetAWSDefaultServiceQuotaOutput, error)
}

// World is an account of which RDS's instances are 60, where AWS's default is 40; of security groups only the default is
// available, 2500; and the caller may not ask CloudFormation about its limits.
type World struct {
	Client Client
	Raise  func(service, code string, to float64) // gives the account a quota
}

// Suite is how Service Quotas answers.
func Suite(t *testing.T, newWorld func(*testing.T) World) {
	applied := func(t *testing.T, w World, service, code string) (*types.ServiceQuota, error) {
		t.Helper()
		out, err := w.Client.GetServiceQuota(t.Context(), &servicequotas.GetServiceQuotaInput{ServiceCode: &service, QuotaCode: &code})
		if err != nil {
			return nil, err
		}
		return out.Quota, nil
	}
	preset := func(t *testing.T, w World, service, code string) (*types.ServiceQuota, error) {
		t.Helper()
		out, err := w.Client.GetAWSDefaultServiceQuota(t.Context(), &servicequotas.GetAWSDefaultServiceQuotaInput{ServiceCode: &service, QuotaCode: &code})
		if err != nil {
			return nil, err
		}
		return out.Quota, nil
	}
	for name, test := range map[string]struct {
		ask           func(*testing.T, World, string, string) (*types.ServiceQuota, error)
		service, code string
		value         float64
		refusal       string
	}{
		"what applies":                         {applied, "rds", "L-7B6409FD", 60, ""},
		"a default":                            {preset, "rds", "L-7B6409FD", 40, ""},
		"what applies is not available":        {applied, "vpc", "L-E79EC296", 0, "NoSuchResourceException"},
		"the default of that":                  {preset, "vpc", "L-E79EC296", 2500, ""},
		"the default, whoever may not ask":     {preset, "cloudformation", "L-0485CB21", 2000, ""},
		"a quota that there is not":            {applied, "rds", "L-00000000", 0, "NoSuchResourceException"},
		"its default":                          {preset, "rds", "L-00000000", 0, "NoSuchResourceException"},
		"a service that there is not":          {applied, "rdss", "L-7B6409FD", 0, "NoSuchResourceException"},
		"a quota of another service":           {applied, "ec2", "L-7B6409FD", 0, "NoSuchResourceException"},
		"a code that can be none":              {applied, "rds", "7B6409FD!", 0, "IllegalArgumentException"},
		"a default of a code that can be none": {preset, "rds", "", 0, "IllegalArgumentException"},
	} {
		t.Run(name, func(t *testing.T) {
			q, err := test.ask(t, newWorld(t), test.service, test.code)
			if code := awsclient.Code(err); code != test.refusal || test.refusal == "" && (err != nil || aws.ToFloat64(q.Value) != test.value || q.ErrorReason != nil) {
				t.Errorf("%+v, %v", q, err)
			}
		})
	}
	t.Run("somebody whom the caller may not ask", func(t *testing.T) {
		q, err := applied(t, newWorld(t), "cloudformation", "L-0485CB21")
		if err != nil || q.Value != nil || q.ErrorReason == nil || q.ErrorReason.ErrorCode != constraint.QuotaDependency {
			t.Errorf("%+v, %v", q, err)
		}
	})
	t.Run("what was raised applies", func(t *testing.T) {
		w := newWorld(t)
		w.Raise("vpc", "L-E79EC296", 4000)
		q, err := applied(t, w, "vpc", "L-E79EC296")
		if err != nil || aws.ToFloat64(q.Value) != 4000 {
			t.Errorf("%+v, %v", q, err)
		}
		if q, err = preset(t, w, "vpc", "L-E79EC296"); err != nil || aws.ToFloat64(q.Value) != 2500 {
			t.Errorf("AWS's default: %+v, %v", q, err)
		}
	})
}
