package telemetry

import (
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// Recorder writes metrics, each as one line. Its zero value drops them. Recorders that share an Out
// may be used at once if Out may, as os.Stdout may.
type Recorder struct {
	Out   io.Writer
	Now   func() time.Time
	Stage string

	Log *slog.Logger      // says what can't be written; required with Out
	of  map[string]string // values of the dimensions beside Stage
}

// Silent reports whether what is measured is dropped: then what takes long to know need not be.
func (r Recorder) Silent() bool { return r.Out == nil }

// Pool returns a recorder for the metrics of one pool.
func (r Recorder) Pool(kind, tier string) Recorder {
	return r.about(Kind, kind, Tier, tier)
}

// Tier returns a recorder for the metrics of one tier.
func (r Recorder) Tier(tier string) Recorder {
	return r.about(Tier, tier)
}

// Kind returns a recorder for the metrics of one kind of hosts.
func (r Recorder) Kind(kind string) Recorder {
	return r.about(Kind, kind)
}

// Way returns a recorder for the metrics of one way of mending hosts.
func (r Recorder) Way(way string) Recorder {
	return r.about(Way, way)
}

// Of returns a recorder for the metrics of one kind of record, such as "host".
func (r Recorder) Of(what string) Recorder {
	return r.about(Of, what)
}

// about returns a recorder for dimensions, each followed by its value.
func (r Recorder) about(dimensions ...string) Recorder {
	if r.Silent() {
		return r
	}
	r.of = map[string]string{}
	for i := 0; i < len(dimensions); i += 2 {
		r.of[dimensions[i]] = dimensions[i+1]
	}
	return r
}

// Count adds n to a metric.
func (r Recorder) Count(m Metric, n int) { r.write(m, float64(n)) }

// Gauge says what a metric is now.
func (r Recorder) Gauge(m Metric, n int) { r.write(m, float64(n)) }

// Duration says how long something took, in the metric's unit.
func (r Recorder) Duration(m Metric, d time.Duration) {
	if m.Unit == Seconds {
		r.write(m, d.Seconds())
		return
	}
	r.write(m, float64(d)/float64(time.Millisecond))
}

// directive is the "_aws" member of an EMF line.
type directive struct {
	Timestamp         int64     // Unix milliseconds
	CloudWatchMetrics []metrics // always one
}

type metrics struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []metric
}

type metric struct {
	Name string
	Unit Unit
}

// write writes one line. With JSON logging Lambda drops lines below the function's log level, and
// takes one without a level or without an RFC 3339 timestamp for INFO; FATAL is never dropped
// (AWS Lambda Developer Guide, "Log-level filtering").
func (r Recorder) write(m Metric, value float64) {
	if r.Out == nil {
		return
	}
	now := r.Now().UTC()
	line := map[string]any{
		"level":     "FATAL",
		"timestamp": now.Format(time.RFC3339Nano),
		"message":   "metric",
		"_aws": directive{
			Timestamp: now.UnixMilli(),
			CloudWatchMetrics: []metrics{{
				Namespace: Namespace, Dimensions: m.dimensions(), Metrics: []metric{{m.Name, m.Unit}},
			}},
		},
		m.Name: value,
	}
	values := map[string]string{Stage: r.Stage}
	maps.Copy(values, r.of)
	for _, name := range m.Dimensions {
		line[name] = values[name]
	}
	text, err := json.Marshal(line)
	if err != nil {
		r.Log.Error("metric not written", "metric", m.Name, "error", err)
		return
	}
	// A metric that cannot be written must not fail what it measures.
	if _, err := r.Out.Write(append(text, '\n')); err != nil {
		r.Log.Error("metric not written", "metric", m.Name, "error", err)
	}
}

// Logger is the log of a function: as the function's log format and level say, with the request's
// ID in every line. It becomes slog's default too.
func Logger() *slog.Logger {
	log := slog.New(correlating{lambdacontext.NewLogger().Handler()})
	slog.SetDefault(log)
	return log
}
