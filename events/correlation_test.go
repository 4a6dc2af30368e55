package events

import (
	"context"
	"encoding/json"
	"testing"
)

func TestWhatIsSentBearsTheCorrelationIDOfItsContext(t *testing.T) {
	for body, want := range map[string]string{
		`{"version":"1"}`:                      `{"version":"1","correlationId":"m-1"}`,
		"{}":                                   `{"correlationId":"m-1"}`,
		`{"correlationId":"theirs"}`:           `{"correlationId":"theirs"}`,
		`{"a":{"correlationId":"of another"}}`: `{"a":{"correlationId":"of another"},"correlationId":"m-1"}`,
		`not JSON`:                             `not JSON`,
	} {
		got := string(Correlate(WithCorrelation(context.Background(), "m-1"), []byte(body)))
		if got != want {
			t.Errorf("%s becomes %s", body, got)
		}
	}
	if got := string(Correlate(context.Background(), []byte(`{}`))); got != `{}` {
		t.Errorf("without one it becomes %s", got)
	}
	var step Step
	sent := Correlate(WithCorrelation(context.Background(), "m-1"), []byte(`{"version":"1","type":"Step","of":"tenant","id":"acme","step":"open","try":1}`))
	if err := json.Unmarshal(sent, &step); err != nil || step.CorrelationID != "m-1" {
		t.Errorf("%s is read as %+v, %v", sent, step, err)
	}
}

func TestADeliverysCorrelationIDIsTheFirstThatMayBeOne(t *testing.T) {
	for want, d := range map[string]Delivery{
		"given":  {ID: "m-1", FirstID: "m-0", Body: `{"correlationId":"given"}`},
		"m-0":    {ID: "m-1", FirstID: "m-0", Body: `{"correlationId":"no good: a\"b"}`},
		"m-1":    {ID: "m-1", FirstID: "not one", Body: `not JSON`},
		"of-old": {ID: "of-old", Body: `{"version":"1","type":"Step"}`},
		"":       {},
	} {
		if got := d.Correlation(); got != want {
			t.Errorf("%+v is of %q", d, got)
		}
	}
}
