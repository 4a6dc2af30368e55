// Package metrics reads what CloudWatch has measured.
package metrics

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"headroom/internal/pool"
)

const (
	// queryID names the one metric of a request.
	queryID = "latest"
	// pagesMost bounds how many answers are read for one datapoint: one may have none, and say that there are more.
	pagesMost = 10
)

// errPeriod means that a metric was asked for by a period, or over a time, that makes no sense.
var errPeriod = errors.New("the period is no number of whole minutes, or longer than the time")

// client is what is used of CloudWatch. Deadlines and retries of requests are its own.
type client interface {
	GetMetricData(ctx context.Context, in *cloudwatch.GetMetricDataInput, opts ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error)
}

// Metrics is CloudWatch.
type Metrics struct {
	Client client
	Now    func() time.Time
}

// Latest returns the newest datapoint of a metric within the last time back, and when its period began. The period is a
// number of whole minutes; the newest may be under way still, and CloudWatch shows what was measured some minutes later.
// The dimensions are all that the metric has. The statistic is one such as Average, Maximum or p99.
// pool.ErrNotFound when there is no datapoint, which is also so of a metric that there is not.
func (m *Metrics) Latest(
	ctx context.Context, namespace, metric string, dimensions map[string]string, statistic string, period, back time.Duration,
) (value float64, at time.Time, err error) {
	failed := func(err error) (float64, time.Time, error) {
		return 0, time.Time{}, fmt.Errorf("read %s of metric %s %s: %w", statistic, namespace, metric, err)
	}
	if period < time.Minute || period%time.Minute != 0 || back < period {
		return failed(errPeriod)
	}
	of := &types.Metric{Namespace: &namespace, MetricName: &metric}
	for _, name := range slices.Sorted(maps.Keys(dimensions)) {
		of.Dimensions = append(of.Dimensions, types.Dimension{Name: aws.String(name), Value: aws.String(dimensions[name])})
	}
	now := m.Now()
	in := &cloudwatch.GetMetricDataInput{
		MetricDataQueries: []types.MetricDataQuery{{
			Id: aws.String(queryID), ReturnData: aws.Bool(true),
			MetricStat: &types.MetricStat{Metric: of, Period: aws.Int32(int32(period / time.Second)), Stat: &statistic},
		}},
		StartTime: aws.Time(now.Add(-back)), EndTime: &now, ScanBy: types.ScanByTimestampDescending,
	}
	for range pagesMost {
		out, err := m.Client.GetMetricData(ctx, in)
		if err != nil {
			return failed(err)
		}
		for _, result := range out.MetricDataResults {
			switch {
			case aws.ToString(result.Id) != queryID:
			case result.StatusCode == types.StatusCodeInternalError || result.StatusCode == types.StatusCodeForbidden:
				return failed(fmt.Errorf("CloudWatch answers %s", result.StatusCode))
			case len(result.Values) > 0 && len(result.Timestamps) == len(result.Values):
				return result.Values[0], result.Timestamps[0], nil
			}
		}
		if in.NextToken = out.NextToken; aws.ToString(in.NextToken) == "" {
			return failed(pool.ErrNotFound)
		}
	}
	return failed(fmt.Errorf("no datapoint in %d answers", pagesMost))
}

// freeFor is how old what was measured of an instance's storage may be: RDS measures it every minute.
const freeFor = 15 * time.Minute

// Free is how many bytes are free on an RDS instance, the least within the newest minute that was measured.
// pool.ErrNotFound when nothing was lately.
func (m *Metrics) Free(ctx context.Context, instance string) (int64, error) {
	free, _, err := m.Latest(ctx, "AWS/RDS", "FreeStorageSpace", map[string]string{"DBInstanceIdentifier": instance}, "Minimum", time.Minute, freeFor)
	return int64(free), err
}

const (
	// gatewayPeriod is how often a gateway is measured.
	gatewayPeriod = 5 * time.Minute
	// gatewayBack is how old what was measured of a gateway may be that has failed. CloudWatch keeps it for longer.
	gatewayBack = 14 * 24 * time.Hour
)

// Unuploaded is what was measured last of what a gateway had not uploaded, by its ID and name: also of one that has failed since.
// What was not measured has no time.
func (m *Metrics) Unuploaded(ctx context.Context, id, name string) (pool.Unuploaded, error) {
	var u pool.Unuploaded
	latest := func(metric string) (float64, time.Time, error) {
		of := map[string]string{"GatewayId": id, "GatewayName": name}
		value, at, err := m.Latest(ctx, "AWS/StorageGateway", metric, of, "Maximum", gatewayPeriod, gatewayBack)
		if errors.Is(err, pool.ErrNotFound) {
			return 0, time.Time{}, nil
		}
		return value, at, err
	}
	var err error
	if u.Dirty, u.DirtyAt, err = latest("CachePercentDirty"); err != nil {
		return pool.Unuploaded{}, err
	}
	failing, at, err := latest("FilesFailingUpload")
	if err != nil {
		return pool.Unuploaded{}, err
	}
	u.Failing, u.FailingAt = int(failing), at
	return u, nil
}
