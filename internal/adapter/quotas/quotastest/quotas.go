// Package quotastest is an in-memory Service Quotas, and the cases that it and any other one have to pass.
package quotastest

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas/types"
	"github.com/aws/smithy-go"

	"headroom/internal/local/constraint"
)

// Quota is a quota of the account.
type Quota struct {
	Preset  float64 // AWS's default
	Applied float64 // to the account; 0: only the default is available
	Denied  bool    // Service Quotas asks somebody whom the caller may not ask
}

// Quotas are an account's, by service and code.
type Quotas map[string]map[string]Quota

func find(q Quotas, service, code *string) (Quota, error) {
	refused := constraint.QuotaNamed(service, code)
	if refused == nil && q[aws.ToString(service)] == nil {
		refused = constraint.NoQuotaService()
	}
	found, ok := q[aws.ToString(service)][aws.ToString(code)]
	if refused == nil && !ok {
		refused = constraint.NoQuota()
	}
	if refused != nil {
		return found, &smithy.GenericAPIError{Code: refused.Code, Message: refused.Message}
	}
	return found, nil
}

// GetServiceQuota is Service Quotas'.
func (q Quotas) GetServiceQuota(ctx context.Context, in *servicequotas.GetServiceQuotaInput, _ ...func(*servicequotas.Options)) (*servicequotas.GetServiceQuotaOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	found, err := find(q, in.ServiceCode, in.QuotaCode)
	if err != nil {
		return nil, err
	}
	said := &types.ServiceQuota{ServiceCode: in.ServiceCode, QuotaCode: in.QuotaCode, Value: &found.Applied}
	switch {
	case found.Denied:
		said.Value, said.ErrorReason = nil, &types.ErrorReason{ErrorCode: constraint.QuotaDependency, ErrorMessage: aws.String("not authorized")}
	case found.Applied == 0:
		refused := constraint.NoQuota()
		return nil, &smithy.GenericAPIError{Code: refused.Code, Message: refused.Message}
	}
	return &servicequotas.GetServiceQuotaOutput{Quota: said}, nil
}

// GetAWSDefaultServiceQuota is Service Quotas'.
func (q Quotas) GetAWSDefaultServiceQuota(
	ctx context.Context, in *servicequotas.GetAWSDefaultServiceQuotaInput, _ ...func(*servicequotas.Options),
) (*servicequotas.GetAWSDefaultServiceQuotaOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	found, err := find(q, in.ServiceCode, in.QuotaCode)
	if err != nil {
		return nil, err
	}
	return &servicequotas.GetAWSDefaultServiceQuotaOutput{Quota: &types.ServiceQuota{ServiceCode: in.ServiceCode, QuotaCode: in.QuotaCode, Value: &found.Preset}}, nil
}
