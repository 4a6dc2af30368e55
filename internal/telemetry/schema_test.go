package telemetry

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// told are the recorders by which metrics are told apart, by the names of the dimensions beside the stage.
var told = map[string]func(Recorder) Recorder{
	"":          func(r Recorder) Recorder { return r },
	"Tier":      func(r Recorder) Recorder { return r.Tier("standard") },
	"Kind":      func(r Recorder) Recorder { return r.Kind("share") },
	"Kind,Tier": func(r Recorder) Recorder { return r.Pool("share", "standard") },
	"Way":       func(r Recorder) Recorder { return r.Way("reboot") },
	"Of":        func(r Recorder) Recorder { return r.Of("host") },
}

// Each metric's line is one that CloudWatch extracts a metric from: by the format's schema, and by what its text asks for
// beside that: what a dimension and a metric name is there, a string and a number.
func TestEveryMetricIsInTheEmbeddedMetricFormat(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("testdata/emf.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range Catalogue {
		recorder, known := told[strings.Join(m.Dimensions[1:], ",")]
		if !known {
			t.Errorf("nothing tells %s apart by %v", m.Name, m.Dimensions)
			continue
		}
		var out bytes.Buffer
		recorder(Recorder{Out: &out, Now: func() time.Time { return noon }, Stage: "dev", Log: slog.New(slog.DiscardHandler)}).write(m, 1.5)
		line, err := jsonschema.UnmarshalJSON(bytes.NewReader(out.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(line); err != nil {
			t.Errorf("%s: %v", m.Name, err)
		}
		if err := targets(out.Bytes()); err != nil {
			t.Errorf("%s: %v", m.Name, err)
		}
	}
}

// targets checks that what is named is there, beside the directive and not in something.
func targets(text []byte) error {
	var line map[string]any
	var directives struct {
		AWS directive `json:"_aws"`
	}
	if err := json.Unmarshal(text, &line); err != nil {
		return err
	}
	if err := json.Unmarshal(text, &directives); err != nil {
		return err
	}
	for _, d := range directives.AWS.CloudWatchMetrics {
		for _, name := range slices.Concat(d.Dimensions...) {
			if value, ok := line[name].(string); !ok || value == "" {
				return fmt.Errorf("dimension %s is %v", name, line[name])
			}
		}
		for _, m := range d.Metrics {
			if _, ok := line[m.Name].(float64); !ok {
				return fmt.Errorf("metric %s is %v", m.Name, line[m.Name])
			}
		}
	}
	return nil
}

// A line that CloudWatch would not take is not taken by the schema either.
func TestTheSchemaRefusesOtherLines(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("testdata/emf.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	const good = `{"_aws":{"Timestamp":1,"CloudWatchMetrics":[{"Namespace":"N","Dimensions":[["Stage"]],"Metrics":[{"Name":"M","Unit":"Count"}]}]}}`
	for _, change := range [][2]string{
		{"", ""},
		{`"Count"`, `"Pieces"`},
		{`"Timestamp":1,`, ``},
		{`"Timestamp":1`, `"Timestamp":"1"`},
		{`[["Stage"]]`, `["Stage"]`},
		{`"Namespace":"N",`, ``},
		{`["Stage"]`, `["1","2","3","4","5","6","7","8","9","10"]`},
		{`"Name":"M",`, ``},
	} {
		line, err := jsonschema.UnmarshalJSON(strings.NewReader(strings.Replace(good, change[0], change[1], 1)))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(line); (err == nil) != (change[0] == "") {
			t.Errorf("with %s for %s: %v", change[1], change[0], err)
		}
	}
}
