package events

import (
	"encoding/json"
	"testing"
	"time"
)

func TestTimestampsParseAsTheyAreSent(t *testing.T) {
	want := At(time.Date(2019, 10, 2, 17, 4, 40, 989e6, time.UTC))
	for name, text := range map[string]string{
		"CloudWatch":             `"2019-10-02T17:04:40.989+0000"`,
		"CloudWatch, elsewhere":  `"2019-10-02T19:04:40.989+0200"`,
		"RFC 3339":               `"2019-10-02T17:04:40.989Z"`,
		"RFC 3339 with offset":   `"2019-10-02T19:04:40.989+02:00"`,
		"RFC 3339, more decimal": `"2019-10-02T17:04:40.989000000Z"`,
	} {
		var got Time
		if err := json.Unmarshal([]byte(text), &got); err != nil || got != want {
			t.Errorf("%s: got %v, %v; want %v", name, got, err, want)
		}
	}
}

func TestTimestampsWithoutDecimalsParse(t *testing.T) {
	for _, text := range []string{`"2019-10-02T17:04:40Z"`, `"2019-10-02T17:04:40+0000"`} {
		var got Time
		if err := json.Unmarshal([]byte(text), &got); err != nil || got.Nanosecond() != 0 || got.Second() != 40 {
			t.Errorf("%s: got %v, %v", text, got, err)
		}
	}
}

func TestBadTimestampsAreRefused(t *testing.T) {
	for _, text := range []string{`""`, `"yesterday"`, `5`, `"2019-10-02"`} {
		var got Time
		if err := json.Unmarshal([]byte(text), &got); err == nil {
			t.Errorf("%s became %v", text, got)
		}
	}
}

func TestTimestampsAreWrittenInUTC(t *testing.T) {
	berlin := time.FixedZone("Berlin", 3600)
	encoded, err := json.Marshal(Time{time.Date(2026, 11, 2, 10, 20, 0, 0, berlin)})
	if err != nil || string(encoded) != `"2026-11-02T09:20:00Z"` {
		t.Errorf("got %s, %v", encoded, err)
	}
}
