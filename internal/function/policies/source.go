// Package policies wires SSM, where the pool policies are.
package policies

import (
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"headroom/internal/adapter/policy"
	"headroom/internal/function"
	"headroom/internal/telemetry"
)

// Source makes the source of the policies that are in an SSM parameter.
func Source(cfg aws.Config, parameter string, metrics telemetry.Recorder) *policy.Source {
	return &policy.Source{Client: ssm.NewFromConfig(cfg), Parameter: parameter, Now: function.Now, Metrics: metrics, Log: slog.Default()}
}
