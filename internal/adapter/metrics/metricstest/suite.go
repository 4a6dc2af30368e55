package metricstest

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"headroom/internal/adapter/awsclient"
)

// Client is what stands for CloudWatch, without metrics.
type Client interface {
	GetMetricData(ctx context.Context, in *cloudwatch.GetMetricDataInput, opts ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error)
	PutMetricData(ctx context.Context, in *cloudwatch.PutMetricDataInput, opts ...func(*cloudwatch.Options)) (*cloudwatch.PutMetricDataOutput, error)
}

// Put has a value of a metric measured.
func Put(ctx context.Context, client Client, namespace, metric string, dimensions map[string]string, at time.Time, value float64) error {
	datum := types.MetricDatum{MetricName: &metric, Timestamp: &at, Value: &value}
	for _, name := range slices.Sorted(maps.Keys(dimensions)) {
		datum.Dimensions = append(datum.Dimensions, types.Dimension{Name: aws.String(name), Value: aws.String(dimensions[name])})
	}
	_, err := client.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{Namespace: &namespace, MetricData: []types.MetricDatum{datum}})
	return err
}

// question asks for a metric of one gateway.
type question struct {
	from, to time.Time
	period   int32
	stat     string
	scan     types.ScanBy
	of       []types.Dimension
}

func (q question) input() *cloudwatch.GetMetricDataInput {
	return &cloudwatch.GetMetricDataInput{
		StartTime: &q.from, EndTime: &q.to, ScanBy: q.scan, MetricDataQueries: []types.MetricDataQuery{{
			Id: aws.String("m"), MetricStat: &types.MetricStat{
				Metric: &types.Metric{Namespace: aws.String("AWS/StorageGateway"), MetricName: aws.String("CachePercentDirty"), Dimensions: q.of},
				Period: &q.period, Stat: &q.stat,
			},
		}},
	}
}

// ask reads all pages of an answer.
func ask(t *testing.T, client Client, q question) (at []time.Time, values []float64) {
	t.Helper()
	in := q.input()
	for {
		out, err := client.GetMetricData(t.Context(), in)
		if err != nil || len(out.MetricDataResults) != 1 {
			t.Fatalf("%+v, %v", out, err)
		}
		at, values = append(at, out.MetricDataResults[0].Timestamps...), append(values, out.MetricDataResults[0].Values...)
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return at, values
		}
	}
}

// Suite is how CloudWatch answers questions of metrics.
func Suite(t *testing.T, newClient func(*testing.T) Client) {
	first := time.Now().UTC().Truncate(5 * time.Minute).Add(-15 * time.Minute)
	dimensions := map[string]string{"GatewayId": "sgw-12A3456B", "GatewayName": "share-standard-1"}
	name, id := types.Dimension{Name: aws.String("GatewayName"), Value: aws.String("share-standard-1")}, types.Dimension{Name: aws.String("GatewayId"), Value: aws.String("sgw-12A3456B")}
	measured := func(t *testing.T) Client {
		client := newClient(t)
		for after, value := range map[time.Duration]float64{10 * time.Second: 4, 70 * time.Second: 8, 5 * time.Minute: 1} {
			if err := Put(t.Context(), client, "AWS/StorageGateway", "CachePercentDirty", dimensions, first.Add(after), value); err != nil {
				t.Fatal(err)
			}
		}
		return client
	}
	ten := first.Add(10 * time.Minute)
	tests := []struct {
		name string
		question
		at     []time.Duration // after the first
		values []float64
	}{
		{"minutes, the newest first", question{first, ten, 60, "Average", types.ScanByTimestampDescending, []types.Dimension{id, name}}, []time.Duration{5 * time.Minute, time.Minute, 0}, []float64{1, 8, 4}},
		{"minutes, the oldest first", question{first, ten, 60, "Average", types.ScanByTimestampAscending, []types.Dimension{name, id}}, []time.Duration{0, time.Minute, 5 * time.Minute}, []float64{4, 8, 1}},
		{"averages", question{first, ten, 300, "Average", types.ScanByTimestampAscending, []types.Dimension{id, name}}, []time.Duration{0, 5 * time.Minute}, []float64{6, 1}},
		{"maxima", question{first, ten, 300, "Maximum", types.ScanByTimestampAscending, []types.Dimension{id, name}}, []time.Duration{0, 5 * time.Minute}, []float64{8, 1}},
		{"sums", question{first, ten, 300, "Sum", types.ScanByTimestampAscending, []types.Dimension{id, name}}, []time.Duration{0, 5 * time.Minute}, []float64{12, 1}},
		{"the end is not in it", question{first, first.Add(5 * time.Minute), 60, "Minimum", types.ScanByTimestampAscending, []types.Dimension{id, name}}, []time.Duration{0, time.Minute}, []float64{4, 8}},
		{"a later time", question{first.Add(6 * time.Minute), ten, 60, "Average", types.ScanByTimestampAscending, []types.Dimension{id, name}}, nil, nil},
		{"fewer dimensions are another metric", question{first, ten, 60, "Average", types.ScanByTimestampAscending, []types.Dimension{id}}, nil, nil},
		{"none, too", question{first, ten, 60, "Average", types.ScanByTimestampAscending, nil}, nil, nil},
	}
	client := measured(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			at, values := ask(t, client, test.question)
			var want []time.Time
			for _, after := range test.at {
				want = append(want, first.Add(after))
			}
			if !slices.EqualFunc(at, want, time.Time.Equal) || !slices.Equal(values, test.values) {
				t.Errorf("%v at %v, want %v at %v", values, at, test.values, want)
			}
		})
	}
	for name, q := range map[string]question{
		"a time that ends before it begins":     {from: ten, to: first, period: 60, stat: "Average"},
		"a period of a minute and some seconds": {from: first, to: ten, period: 61, stat: "Average"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := client.GetMetricData(t.Context(), q.input()); awsclient.Code(err) != "InvalidParameterValue" {
				t.Errorf("%v", err)
			}
		})
	}
}
