package page

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func linesOf(t *testing.T, text string) ([]line, error) {
	t.Helper()
	var p properties
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatal(err)
	}
	return p.lines()
}

func TestEntriesOfAWidgetAreWrittenOut(t *testing.T) {
	got, err := linesOf(t, `{"stat":"Sum","period":60,"metrics":[
		["AWS/SQS","Age","QueueName","a",{"label":"A","id":"m1"}],
		["...","b"],
		[".","Depth",".","c",{"stat":"p99","yAxis":"right","color":"#123456","visible":false}],
		[{"expression":"m1 * 2","id":"e","period":300}],
		["AWS/Lambda","Errors"]
	]}`)
	if err != nil {
		t.Fatal(err)
	}
	want := []line{
		{ID: "m1", Label: "A", Namespace: "AWS/SQS", Name: "Age", Dimensions: [][2]string{{"QueueName", "a"}}, Stat: "Sum", Period: 60, Axis: "left", Visible: true},
		{ID: "entry_1", Namespace: "AWS/SQS", Name: "Age", Dimensions: [][2]string{{"QueueName", "b"}}, Stat: "Sum", Period: 60, Axis: "left", Visible: true},
		{ID: "entry_2", Namespace: "AWS/SQS", Name: "Depth", Dimensions: [][2]string{{"QueueName", "c"}}, Stat: "p99", Period: 60, Color: "#123456", Axis: "right"},
		{ID: "e", Expression: "m1 * 2", Stat: "Sum", Period: 300, Axis: "left", Visible: true},
		{ID: "entry_4", Namespace: "AWS/Lambda", Name: "Errors", Stat: "Sum", Period: 60, Axis: "left", Visible: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestEntriesThatMeanNothingAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"a repetition of nothing":   `{"metrics":[[".","Age"]]}`,
		"an end of nothing":         `{"metrics":[["...","b"]]}`,
		"a dimension with no value": `{"metrics":[["AWS/SQS","Age","QueueName"]]}`,
		"a namespace alone":         `{"metrics":[["AWS/SQS"]]}`,
		"a number":                  `{"metrics":[["AWS/SQS",1]]}`,
		"nothing at all":            `{"metrics":[[]]}`,
	} {
		if got, err := linesOf(t, text); err == nil {
			t.Errorf("%s is read as %+v", name, got)
		}
	}
}

func TestLevelsAreLinesAndBands(t *testing.T) {
	var a annotations
	err := json.Unmarshal([]byte(`{"horizontal":[{"value":90,"label":"alarm","fill":"above"},[{"value":1,"label":"well"},{"value":5}],{"value":3,"visible":false}]}`), &a)
	if err != nil {
		t.Fatal(err)
	}
	five := 5.0
	want := []level{{Value: 90, Label: "alarm", Fill: "above"}, {Value: 1, Label: "well", To: &five}}
	if diff := cmp.Diff(want, visible(a.Horizontal)); diff != "" {
		t.Errorf("levels (-want +got):\n%s", diff)
	}
	if err := json.Unmarshal([]byte(`{"horizontal":[[{"value":1}]]}`), &a); err == nil || !strings.Contains(err.Error(), "two ends") {
		t.Errorf("a band with one end: %v", err)
	}
}
