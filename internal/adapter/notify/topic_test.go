package notify_test

import (
	"encoding/json"
	"strings"
	"testing"

	"headroom/events"
	"headroom/internal/adapter/notify"
	"headroom/internal/adapter/notify/notifytest"
)

func TestSubjectsAreMadeToFit(t *testing.T) {
	tests := []struct{ name, subject, want string }{
		{"a plain one", "Host cordoned", "Host cordoned"},
		{"lines and other alphabets", "Gerät\nkaputt", "Ger?t?kaputt"},
		{"a long one", strings.Repeat("x", 130), strings.Repeat("x", 100)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			fake := &notifytest.Topic{}
			topic := &notify.Topic{Client: fake, ARN: "arn:aws:sns:eu-west-1:123456789012:x"}
			if err := topic.Notify(t.Context(), test.subject, "Gerät kaputt", events.Notice{What: "HostCordoned"}); err != nil {
				t.Fatal(err)
			}
			if got := fake.Notes()[0]; got.Subject != test.want || got.Message != "Gerät kaputt" || !strings.Contains(got.Data, `"what":"HostCordoned"`) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// What machines read counts against the length of a message: a long message is cut, and its data is whole.
func TestALongMessageLeavesRoomForItsData(t *testing.T) {
	fake := &notifytest.Topic{}
	topic := &notify.Topic{Client: fake, ARN: "arn:aws:sns:eu-west-1:123456789012:x"}
	data := events.Notice{What: "HostCordoned", Reason: strings.Repeat("r", 1000)}
	if err := topic.Notify(t.Context(), "Host cordoned", strings.Repeat("m", 300<<10), data); err != nil {
		t.Fatal(err)
	}
	got := fake.Notes()[0]
	var read events.Notice
	if err := json.Unmarshal([]byte(got.Data), &read); err != nil || read.Reason != data.Reason || len(got.Message)+len(got.Data) > 256<<10 {
		t.Errorf("%d bytes with %d of data: %v", len(got.Message), len(got.Data), err)
	}
}
