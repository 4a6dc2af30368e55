// Package policies wires SSM, where the pool policies are.
package policies

import (
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"headroom/internal/adapter/policy"
	"headroom/internal/function"
	"headroom/internal/pool"
	"headroom/internal/telemetry"
)

// Source makes the source of the policies that are in an SSM parameter, of those that hosts can bear.
func Source(cfg aws.Config, parameter string, bounds pool.Bounds, metrics telemetry.Recorder) *policy.Source {
	return &policy.Source{
		Client: ssm.NewFromConfig(cfg), Parameter: parameter, Bounds: bounds, Now: function.Now, Metrics: metrics, Log: slog.Default(),
	}
}
