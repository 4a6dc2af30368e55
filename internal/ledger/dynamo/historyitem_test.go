package dynamo

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/pool"
)

func TestAHistoryKeepsOfEachLineWhatItCameOf(t *testing.T) {
	var history []pool.Entry // as records of before there were correlation ids begin
	history = pool.Append(history, pool.Entry{What: "old"})
	history = pool.Append(history, pool.Entry{What: "requested", Correlation: "m-1"})
	history = pool.Append(history, pool.Entry{What: "ready"})
	history = pool.Append(history, pool.Entry{What: "addresses", Correlation: "m-2"})
	history = pool.Append(history, pool.Entry{What: "requested", Correlation: "m-1"})
	stored := encodeHistory(history)
	if diff := cmp.Diff(history, decodeHistory(stored)); diff != "" {
		t.Errorf("it is read otherwise than it was written:\n%s", diff)
	}
	if stored[2].Correlation != "" {
		t.Error("what is that of the line before is kept twice")
	}
}
