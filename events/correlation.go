package events

import (
	"bytes"
	"context"
	"regexp"
	"strconv"
	"sync"

	"github.com/go-json-experiment/json"
)

// correlationPattern is what a correlation id may be: it stands in logs, filters and commands as it is.
var correlationPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$`) })

// ValidCorrelation reports whether an id may be a correlation id.
func ValidCorrelation(id string) bool { return correlationPattern().MatchString(id) }

// Correlated has the correlation id of what asked for it: of the message from outside from which it came, through
// however many messages. Messages of before there were any have none.
type Correlated struct {
	CorrelationID string `json:"correlationId,omitempty"`
}

type correlationKey struct{}

// WithCorrelation returns a context for what is done because of the message with a correlation id; an empty id leaves it
// as it is.
func WithCorrelation(ctx context.Context, id string) context.Context {
	if id == "" {
		return ctx
	}
	return context.WithValue(ctx, correlationKey{}, id)
}

// WithoutCorrelation returns a context for what is done because of no message.
func WithoutCorrelation(ctx context.Context) context.Context {
	return context.WithValue(ctx, correlationKey{}, "")
}

// Correlation is the correlation id of a context; empty: it has none.
func Correlation(ctx context.Context) string {
	id, _ := ctx.Value(correlationKey{}).(string)
	return id
}

// Correlate adds the correlation id of a context to a message or event of the contract, as JSON, that has none.
func Correlate(ctx context.Context, body []byte) []byte {
	id := Correlation(ctx)
	end := bytes.LastIndexByte(body, '}')
	if id == "" || end < 0 || correlationOf(body) != "" {
		return body
	}
	member := `"correlationId":` + strconv.Quote(id) // its pattern has nothing that JSON would escape
	if len(bytes.TrimSpace(body[:end])) > 1 {
		member = "," + member
	}
	return append(append(bytes.Clone(body[:end]), member...), body[end:]...)
}

// correlationOf is the correlation id that a body bears; empty where it bears none that may be one.
func correlationOf(body []byte) string {
	var has Correlated
	if json.Unmarshal(body, &has) != nil || !ValidCorrelation(has.CorrelationID) {
		return ""
	}
	return has.CorrelationID
}

// Correlation is the correlation id of what comes of a message: that which it bears, or else its own ID.
func (d Delivery) Correlation() string {
	for _, id := range []string{correlationOf([]byte(d.Body)), d.FirstID, d.ID} {
		if ValidCorrelation(id) {
			return id
		}
	}
	return ""
}
