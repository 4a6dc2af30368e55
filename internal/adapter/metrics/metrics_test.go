package metrics_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"headroom/internal/adapter/metrics"
	"headroom/internal/adapter/metrics/metricstest"
	"headroom/internal/pool"
)

var (
	noon    = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	gateway = map[string]string{"GatewayId": "sgw-12A3456B", "GatewayName": "share-standard-1"}
)

const (
	namespace = "AWS/StorageGateway"
	dirty     = "CachePercentDirty"
)

func TestTheLatestDatapointIsRead(t *testing.T) {
	for name, partial := range map[string]bool{"at once": false, "in parts": true} {
		t.Run(name, func(t *testing.T) {
			now := noon
			fake := &metricstest.CloudWatch{Partial: partial, Now: func() time.Time { return now }, Lag: 2 * time.Minute}
			m := &metrics.Metrics{Client: fake, Now: fake.Now}
			latest := func(back time.Duration) (float64, time.Time, error) {
				return m.Latest(t.Context(), namespace, dirty, gateway, "Average", 5*time.Minute, back)
			}
			if _, _, err := latest(time.Hour); !errors.Is(err, pool.ErrNotFound) {
				t.Errorf("nothing was measured: %v", err)
			}
			for after, value := range map[time.Duration]float64{-30 * time.Minute: 9, -11 * time.Minute: 2, -10 * time.Minute: 3, -9 * time.Minute: 5, 0: 7} {
				if err := metricstest.Put(t.Context(), fake, namespace, dirty, gateway, noon.Add(after), value); err != nil {
					t.Fatal(err)
				}
			}
			if value, at, err := latest(time.Hour); err != nil || value != 4 || !at.Equal(noon.Add(-10*time.Minute)) {
				t.Errorf("%v at %v, %v", value, at, err)
			}
			now = noon.Add(3 * time.Minute)
			if value, at, err := latest(time.Hour); err != nil || value != 7 || !at.Equal(noon) {
				t.Errorf("once it is seen: %v at %v, %v", value, at, err)
			}
			now = noon.Add(time.Hour)
			if _, _, err := latest(10 * time.Minute); !errors.Is(err, pool.ErrNotFound) {
				t.Errorf("an hour later: %v", err)
			}
			if _, _, err := m.Latest(t.Context(), namespace, dirty, nil, "Average", time.Minute, 2*time.Hour); !errors.Is(err, pool.ErrNotFound) {
				t.Errorf("of no gateway: %v", err)
			}
		})
	}
}

// answering gives one answer again and again.
type answering struct {
	out *cloudwatch.GetMetricDataOutput
	err error
}

func (a answering) GetMetricData(context.Context, *cloudwatch.GetMetricDataInput, ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error) {
	return a.out, a.err
}

func TestWhatCanNotBeReadIsNotMissing(t *testing.T) {
	of := func(code types.StatusCode, more *string) *cloudwatch.GetMetricDataOutput {
		return &cloudwatch.GetMetricDataOutput{NextToken: more, MetricDataResults: []types.MetricDataResult{{Id: aws.String("latest"), StatusCode: code}}}
	}
	for name, client := range map[string]answering{
		"a refusal":             {err: errors.New("AccessDenied")},
		"a metric of others":    {out: of(types.StatusCodeForbidden, nil)},
		"an error inside":       {out: of(types.StatusCodeInternalError, nil)},
		"an answer without end": {out: of(types.StatusCodePartialData, aws.String("more"))},
	} {
		m := &metrics.Metrics{Client: client, Now: func() time.Time { return noon }}
		if _, _, err := m.Latest(t.Context(), namespace, dirty, gateway, "Average", time.Minute, time.Hour); err == nil || errors.Is(err, pool.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAPeriodThatMakesNoSenseIsRefused(t *testing.T) {
	m := &metrics.Metrics{Client: answering{}, Now: func() time.Time { return noon }}
	for _, test := range []struct{ period, back time.Duration }{
		{0, time.Hour}, {time.Second, time.Hour}, {90 * time.Second, time.Hour}, {-time.Minute, time.Hour}, {time.Hour, time.Minute},
	} {
		if _, _, err := m.Latest(t.Context(), namespace, dirty, gateway, "Average", test.period, test.back); err == nil {
			t.Errorf("%s of %s", test.period, test.back)
		}
	}
}

func TestWhatAGatewayHadNotUploadedIsReadAfterItHasFailed(t *testing.T) {
	now := noon
	fake := &metricstest.CloudWatch{Now: func() time.Time { return now }}
	m := &metrics.Metrics{Client: fake, Now: fake.Now}
	read := func() pool.Unuploaded {
		t.Helper()
		u, err := m.Unuploaded(t.Context(), gateway["GatewayId"], gateway["GatewayName"])
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	if u := read(); u != (pool.Unuploaded{}) {
		t.Errorf("nothing was measured: %+v", u)
	}
	put := func(metric string, after time.Duration, value float64) {
		t.Helper()
		if err := metricstest.Put(t.Context(), fake, namespace, metric, gateway, noon.Add(after), value); err != nil {
			t.Fatal(err)
		}
	}
	put(dirty, -10*time.Minute, 40)
	put(dirty, -5*time.Minute, 12.5)
	if want, u := (pool.Unuploaded{Dirty: 12.5, DirtyAt: noon.Add(-5 * time.Minute)}), read(); u != want {
		t.Errorf("of files nothing was measured: %+v, not %+v", u, want)
	}
	put("FilesFailingUpload", -15*time.Minute, 3)
	now = noon.Add(13 * 24 * time.Hour) // it has failed, and nobody looked
	want := pool.Unuploaded{Dirty: 12.5, DirtyAt: noon.Add(-5 * time.Minute), Failing: 3, FailingAt: noon.Add(-15 * time.Minute)}
	if u := read(); u != want {
		t.Errorf("%+v, not %+v", u, want)
	}
	now = noon.Add(15 * 24 * time.Hour)
	if u := read(); u != (pool.Unuploaded{}) {
		t.Errorf("a fortnight later: %+v", u)
	}
}

func TestWhatCloudWatchRefusesIsNotKnown(t *testing.T) {
	out := &cloudwatch.GetMetricDataOutput{MetricDataResults: []types.MetricDataResult{{Id: aws.String("latest"), StatusCode: types.StatusCodeForbidden}}}
	m := &metrics.Metrics{Client: answering{out: out}, Now: func() time.Time { return noon }}
	if u, err := m.Unuploaded(t.Context(), "sgw-1", "name"); err == nil || u != (pool.Unuploaded{}) {
		t.Errorf("%+v, %v", u, err)
	}
}
