package events

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// cloudWatchTime is how CloudWatch writes a timestamp: an offset without a
// colon, which RFC 3339 parsing refuses.
const cloudWatchTime = "2006-01-02T15:04:05.999999999-0700"

// Time is an instant of an event. It reads RFC 3339 and CloudWatch's
// "2019-10-02T17:04:40.989+0000", and is written as RFC 3339 in UTC.
type Time struct{ time.Time }

// At is the instant t, in UTC, in whole milliseconds as AWS writes its own,
// and without a monotonic reading, so that it equals itself after a round trip.
func At(t time.Time) Time { return Time{t.UTC().Truncate(time.Millisecond)} }

// Equal reports whether both are the same instant.
func (t Time) Equal(u Time) bool { return t.Time.Equal(u.Time) }

// MarshalJSON writes RFC 3339 in UTC.
func (t Time) MarshalJSON() ([]byte, error) {
	return t.UTC().MarshalJSON()
}

// UnmarshalJSON reads either form. Null leaves t as it is, as elsewhere in
// encoding/json.
func (t *Time) UnmarshalJSON(data []byte) error {
	if bytes.Equal(data, []byte("null")) {
		return nil
	}
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return fmt.Errorf("read a timestamp: %w", err)
	}
	parsed, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		if parsed, err = time.Parse(cloudWatchTime, text); err != nil {
			return fmt.Errorf("read a timestamp: %w", err)
		}
	}
	*t = At(parsed)
	return nil
}
