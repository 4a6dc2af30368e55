package notify_test

import (
	"strings"
	"testing"

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
			if err := topic.Notify(t.Context(), test.subject, "Gerät kaputt"); err != nil {
				t.Fatal(err)
			}
			if got := fake.Notes()[0]; got.Subject != test.want || got.Message != "Gerät kaputt" {
				t.Errorf("got %+v", got)
			}
		})
	}
}
