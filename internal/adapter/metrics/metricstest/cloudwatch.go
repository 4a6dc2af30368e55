// Package metricstest is an in-memory CloudWatch of metrics, and the cases that it and any other one have to pass.
package metricstest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"
)

// CloudWatch holds metrics.
type CloudWatch struct {
	// Partial has each first answer hold nothing, and say that there is more.
	Partial bool
	// Now is the time; data are seen when they are older than Lag. Nil: they are seen at once.
	Now func() time.Time
	Lag time.Duration

	mu     sync.Mutex
	series map[string][]sample // by metric
}

type sample struct {
	at    time.Time
	value float64
}

// key tells metrics apart: by all of their dimensions.
func key(namespace, name *string, dimensions []types.Dimension) string {
	var words []string
	for _, d := range dimensions {
		words = append(words, aws.ToString(d.Name)+"="+aws.ToString(d.Value))
	}
	slices.Sort(words)
	return aws.ToString(namespace) + " " + aws.ToString(name) + " " + strings.Join(words, " ")
}

func refused(code, format string, args ...any) error {
	return &smithy.GenericAPIError{Code: code, Message: fmt.Sprintf(format, args...)}
}

// PutMetricData is CloudWatch's.
func (c *CloudWatch) PutMetricData(ctx context.Context, in *cloudwatch.PutMetricDataInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.PutMetricDataOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.series == nil {
		c.series = map[string][]sample{}
	}
	for _, d := range in.MetricData {
		k := key(in.Namespace, d.MetricName, d.Dimensions)
		c.series[k] = append(c.series[k], sample{aws.ToTime(d.Timestamp), aws.ToFloat64(d.Value)})
	}
	return &cloudwatch.PutMetricDataOutput{}, nil
}

// GetMetricData is CloudWatch's, of metrics without arithmetic, one datapoint an answer, so that callers have to page.
func (c *CloudWatch) GetMetricData(ctx context.Context, in *cloudwatch.GetMetricDataInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !aws.ToTime(in.StartTime).Before(aws.ToTime(in.EndTime)) {
		return nil, refused("InvalidParameterValue", "The parameter StartTime must be less than the parameter EndTime.")
	}
	page, _ := strconv.Atoi(aws.ToString(in.NextToken))
	out, more := &cloudwatch.GetMetricDataOutput{}, false
	for _, q := range in.MetricDataQueries {
		points, err := c.points(q, aws.ToTime(in.StartTime), aws.ToTime(in.EndTime))
		if err != nil {
			return nil, err
		}
		if in.ScanBy != types.ScanByTimestampAscending {
			slices.Reverse(points)
		}
		result := types.MetricDataResult{Id: q.Id, Label: q.MetricStat.Metric.MetricName, StatusCode: types.StatusCodeComplete}
		at := page
		if c.Partial {
			at--
		}
		if at >= 0 && at < len(points) {
			result.Timestamps, result.Values = []time.Time{points[at].at}, []float64{points[at].value}
		}
		if at+1 < len(points) || at < 0 {
			result.StatusCode, more = types.StatusCodePartialData, true
		}
		out.MetricDataResults = append(out.MetricDataResults, result)
	}
	if more {
		out.NextToken = aws.String(strconv.Itoa(page + 1))
	}
	return out, nil
}

// points are the datapoints of a question, the oldest first. The caller holds the lock.
func (c *CloudWatch) points(q types.MetricDataQuery, from, to time.Time) ([]sample, error) {
	stat := q.MetricStat
	if stat == nil || stat.Metric == nil {
		return nil, refused("ValidationError", "The parameter MetricDataQueries.member.1 has no MetricStat.")
	}
	seconds := aws.ToInt32(stat.Period)
	if seconds < 1 || seconds > 60 && seconds%60 != 0 {
		return nil, refused("InvalidParameterValue", "The parameter Period must be 1, 5, 10, 20, 30, or a multiple of 60.")
	}
	period := time.Duration(seconds) * time.Second
	periods := map[time.Time][]float64{}
	for _, s := range c.series[key(stat.Metric.Namespace, stat.Metric.MetricName, stat.Metric.Dimensions)] {
		begin := s.at.Truncate(period)
		if begin.Before(from.Truncate(period)) || !begin.Before(to) || c.Now != nil && c.Now().Sub(s.at) < c.Lag {
			continue
		}
		periods[begin] = append(periods[begin], s.value)
	}
	var points []sample
	for _, at := range slices.SortedFunc(maps.Keys(periods), time.Time.Compare) {
		value, err := statistic(aws.ToString(stat.Stat), periods[at])
		if err != nil {
			return nil, err
		}
		points = append(points, sample{at, value})
	}
	return points, nil
}

func statistic(name string, values []float64) (float64, error) {
	var sum float64
	for _, v := range values {
		sum += v
	}
	switch name {
	case "Sum":
		return sum, nil
	case "SampleCount":
		return float64(len(values)), nil
	case "Average":
		return sum / float64(len(values)), nil
	case "Maximum":
		return slices.Max(values), nil
	case "Minimum":
		return slices.Min(values), nil
	}
	return 0, refused("ValidationError", "The value %s for parameter MetricDataQueries.member.1.MetricStat.Stat is not supported.", name)
}
