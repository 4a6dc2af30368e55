package servicequotas

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/smithy-go"

	"headroom/internal/local/endpoint/endpointtest"
)

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func TestAnIncreaseIsGrantedAWhileAfterItIsAskedFor(t *testing.T) {
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	q := New(Config{Account: endpointtest.Account, Region: endpointtest.Region, Now: func() time.Time { return now }})
	client := sdk.NewFromConfig(endpointtest.Serve(t, q.Service()))
	ask := func(to float64) (string, error) {
		out, err := client.RequestServiceQuotaIncrease(t.Context(), &sdk.RequestServiceQuotaIncreaseInput{
			ServiceCode: aws.String("rds"), QuotaCode: aws.String(Instances), DesiredValue: &to,
		})
		if err != nil {
			return "", err
		}
		return string(out.RequestedQuota.Status), nil
	}
	if _, err := ask(40); code(err) != "IllegalArgumentException" {
		t.Errorf("as much as there is: %v", err)
	}
	if status, err := ask(80); err != nil || status != "PENDING" {
		t.Fatalf("%s, %v", status, err)
	}
	if _, err := ask(90); code(err) != "ResourceAlreadyExistsException" {
		t.Errorf("a second time: %v", err)
	}
	for _, want := range []float64{40, 80} {
		out, err := client.ListServiceQuotas(t.Context(), &sdk.ListServiceQuotasInput{ServiceCode: aws.String("rds")})
		if err != nil || len(out.Quotas) != 3 || aws.ToFloat64(out.Quotas[0].Value) != want || q.Most(Instances) != want {
			t.Errorf("%+v, %v, want %v", out, err, want)
		}
		now = now.Add(10 * time.Minute)
	}
	if _, err := client.ListServiceQuotas(t.Context(), &sdk.ListServiceQuotasInput{ServiceCode: aws.String("vpcs")}); code(err) != "NoSuchResourceException" {
		t.Errorf("a service that there is not: %v", err)
	}
}
