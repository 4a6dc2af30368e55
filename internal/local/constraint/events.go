package constraint

import (
	"encoding/json"
	"strings"
)

const (
	entriesMax = 10
	// entriesSize is the most bytes that the entries of one request have together (256 KB until 2026).
	entriesSize = 1 << 20
	// timeSize is what an entry's time counts for.
	timeSize = 14
)

// Entry is an event as PutEvents takes it.
type Entry struct {
	Source, DetailType, Detail string
	Resources                  []string
	Timed                      bool
}

// Entries is what EventBridge refuses of a request as a whole.
func Entries(entries []Entry) *Refusal {
	var c Check
	c.Count("Entries", len(entries), 1, entriesMax)
	if r := c.Refusal(); r != nil {
		return r
	}
	total := 0
	for _, e := range entries {
		total += len(e.Source) + len(e.DetailType) + len(e.Detail)
		if e.Timed {
			total += timeSize
		}
		for _, resource := range e.Resources {
			total += len(resource)
		}
	}
	if total > entriesSize {
		return &Refusal{Code: validation, Message: "Total size of the entries in the request is over the limit."}
	}
	return nil
}

// Refusal is what EventBridge refuses of one entry, in the answer to a request that it takes.
func (e Entry) Refusal() *Refusal {
	for _, member := range []struct{ name, value string }{{"Source", e.Source}, {"DetailType", e.DetailType}, {"Detail", e.Detail}} {
		if member.value == "" {
			return &Refusal{Code: "InvalidArgument", Message: "Parameter " + member.name + " is not valid. Reason: " + member.name + " is a required argument."}
		}
	}
	if strings.HasPrefix(e.Source, "aws.") {
		return &Refusal{Code: "NotAuthorizedForSourceException", Message: "Not authorized for the source."}
	}
	var detail map[string]json.RawMessage
	if json.Unmarshal([]byte(e.Detail), &detail) != nil || detail == nil {
		return &Refusal{Code: "MalformedDetail", Message: "Detail is malformed."}
	}
	return nil
}
