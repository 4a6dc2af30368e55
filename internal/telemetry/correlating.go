package telemetry

import (
	"context"
	"log/slog"

	"headroom/events"
)

// CorrelationKey is the name in lines of the log of the correlation id (events.Correlated).
const CorrelationKey = "correlationId"

// correlating adds to each line the correlation id of its context, if that has one.
type correlating struct{ slog.Handler }

func (h correlating) Handle(ctx context.Context, r slog.Record) error {
	if id := events.Correlation(ctx); id != "" {
		r = r.Clone()
		r.AddAttrs(slog.String(CorrelationKey, id))
	}
	return h.Handler.Handle(ctx, r) //nolint:wrapcheck // a handler's own words
}

func (h correlating) WithAttrs(attrs []slog.Attr) slog.Handler {
	return correlating{h.Handler.WithAttrs(attrs)}
}

func (h correlating) WithGroup(name string) slog.Handler {
	return correlating{h.Handler.WithGroup(name)}
}
