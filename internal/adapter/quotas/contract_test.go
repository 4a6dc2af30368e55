package quotas_test

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/servicequotas"

	"headroom/internal/adapter/quotas/quotastest"
	"headroom/internal/local/endpoint"
	"headroom/internal/local/endpoint/endpointtest"
	local "headroom/internal/local/service/servicequotas"
)

func TestTheFakeAnswersAsServiceQuotasDoes(t *testing.T) {
	quotastest.Suite(t, func(*testing.T) quotastest.World {
		q := quotastest.Quotas{
			"rds":            {"L-7B6409FD": {Preset: 40, Applied: 60}},
			"vpc":            {"L-E79EC296": {Preset: 2500}},
			"ec2":            {"L-1216C47A": {Preset: 5, Applied: 5}},
			"cloudformation": {"L-0485CB21": {Preset: 2000, Applied: 2000, Denied: true}},
		}
		return quotastest.World{Client: q, Raise: func(service, code string, to float64) {
			one := q[service][code]
			one.Applied = to
			q[service][code] = one
		}}
	})
}

func TestTheLocalCloudAnswersAsServiceQuotasDoes(t *testing.T) {
	quotastest.Suite(t, func(t *testing.T) quotastest.World {
		q := local.New(local.Config{
			Account: endpointtest.Account, Region: endpointtest.Region, Now: time.Now,
			Allowed: func(_, action string) error {
				if action == "cloudformation:DescribeAccountLimits" {
					return errors.New("not authorized")
				}
				return nil
			},
		})
		q.Set("L-7B6409FD", 60)
		keys := &endpoint.Keys{}
		keys.Issue("AKIALOCAL", "arn:aws:iam::123456789012:role/reader")
		router := endpoint.New(endpoint.Config{Account: endpointtest.Account, Region: endpointtest.Region, Principals: keys, Log: slog.New(slog.DiscardHandler)})
		router.Handle(q.Service())
		return quotastest.World{
			Client: servicequotas.NewFromConfig(endpointtest.Listen(t, router)),
			Raise:  func(_, code string, to float64) { q.Set(code, to) },
		}
	})
}
