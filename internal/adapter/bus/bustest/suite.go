package bustest

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"headroom/internal/adapter/awsclient"
)

// World is one that stands for EventBridge, with a bus.
type World struct {
	Client interface {
		PutEvents(context.Context, *eventbridge.PutEventsInput, ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error)
	}
	Bus string
}

// Suite is what EventBridge takes, and what it refuses: requests as a whole, and single entries.
func Suite(t *testing.T, newWorld func(*testing.T) World) {
	const mebibyte = 1 << 20
	type entry struct{ source, detailType, detail string }
	sized := func(size int) entry { // of so many bytes altogether
		const around = len(`{"a":""}`) + len("sd")
		return entry{"s", "d", `{"a":"` + strings.Repeat("x", size-around) + `"}`}
	}
	good := entry{"headroom", "HostOrdered", `{"hostId":"share-standard-1"}`}
	tests := []struct {
		name    string
		entries []entry
		says    string   // what the refusal of the request says; "" when it is taken
		failed  []string // codes of what of it failed, "" for what did not
	}{
		{"an event", []entry{good}, "", []string{""}},
		{"ten", []entry{good, good, good, good, good, good, good, good, good, good}, "", make([]string, 10)},
		{"none", nil, "Value at 'entries' failed to satisfy constraint: Member must have length greater than or equal to 1", nil},
		{"eleven", make([]entry, 11), "Value at 'entries' failed to satisfy constraint: Member must have length less than or equal to 10", nil},
		{"as large as may be", []entry{sized(mebibyte)}, "", []string{""}},
		{"too large", []entry{sized(mebibyte + 1)}, "Total size of the entries in the request is over the limit.", nil},
		{"too large together", []entry{sized(mebibyte / 2), sized(mebibyte/2 + 1)}, "Total size of the entries in the request is over the limit.", nil},
		{"no source", []entry{{"", "d", "{}"}, good}, "", []string{"InvalidArgument", ""}},
		{"no type", []entry{{"s", "", "{}"}}, "", []string{"InvalidArgument"}},
		{"no detail", []entry{{"s", "d", ""}}, "", []string{"InvalidArgument"}},
		{"a detail that is no object", []entry{{"s", "d", "[]"}, {"s", "d", "null"}, {"s", "d", "{"}}, "", []string{"MalformedDetail", "MalformedDetail", "MalformedDetail"}},
		{"a source of AWS's", []entry{{"aws.s3", "d", "{}"}}, "", []string{"NotAuthorizedForSourceException"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			in := &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{}}
			for _, e := range test.entries {
				in.Entries = append(in.Entries, types.PutEventsRequestEntry{
					EventBusName: aws.String(w.Bus), Source: &e.source, DetailType: &e.detailType, Detail: &e.detail,
				})
			}
			out, err := w.Client.PutEvents(t.Context(), in)
			if test.says != "" {
				if awsclient.Code(err) != "ValidationException" || !strings.Contains(err.Error(), test.says) {
					t.Errorf("got %v, want %s", err, test.says)
				}
				return
			}
			if err != nil || len(out.Entries) != len(test.failed) {
				t.Fatalf("got %+v, %v", out, err)
			}
			count := int32(0)
			for i, want := range test.failed {
				if got := aws.ToString(out.Entries[i].ErrorCode); got != want || (out.Entries[i].EventId == nil) != (want != "") {
					t.Errorf("entry %d: %+v, want %q", i, out.Entries[i], want)
				}
				if want != "" {
					count++
				}
			}
			if out.FailedEntryCount != count {
				t.Errorf("%d failed, want %d", out.FailedEntryCount, count)
			}
		})
	}
}
