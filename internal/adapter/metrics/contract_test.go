package metrics_test

import (
	"log/slog"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"headroom/internal/adapter/metrics/metricstest"
	"headroom/internal/local/endpoint/endpointtest"
	localcloudwatch "headroom/internal/local/service/cloudwatch"
)

func TestTheFakeAnswersAsCloudWatchDoes(t *testing.T) {
	for name, partial := range map[string]bool{"at once": false, "in parts": true} {
		t.Run(name, func(t *testing.T) {
			metricstest.Suite(t, func(*testing.T) metricstest.Client { return &metricstest.CloudWatch{Partial: partial} })
		})
	}
}

func TestTheLocalCloudAnswersAsCloudWatchDoes(t *testing.T) {
	metricstest.Suite(t, func(t *testing.T) metricstest.Client {
		local := localcloudwatch.New(localcloudwatch.Config{Account: endpointtest.Account, Region: endpointtest.Region, Log: slog.New(slog.DiscardHandler)})
		return cloudwatch.NewFromConfig(endpointtest.Serve(t, local.Service()), func(o *cloudwatch.Options) {
			o.DisableRequestCompression = true // as for all that is small, when the configuration is loaded
		})
	})
}
