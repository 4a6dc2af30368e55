package function

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"

	"headroom/events"
	"headroom/internal/pool"
)

// auditor keeps a line of what was asked for; one that is there already stays as it is.
type auditor interface {
	Audit(ctx context.Context, a pool.Audit) error
}

// Audited puts what people ask for on record, with who sent it as SQS knows them, before it hands the message on. What
// can't be put on record is not done, and comes again.
func Audited(l auditor, now func() time.Time, each func(context.Context, events.Delivery) error) func(context.Context, events.Delivery) error {
	return func(ctx context.Context, d events.Delivery) error {
		if kind := events.TypeOf([]byte(d.Body)); events.IsRequest(kind) {
			// Commit point: whatever becomes of it, that it was asked for is on record.
			if err := l.Audit(ctx, lineOf(kind, d, now())); err != nil {
				return fmt.Errorf("audit message %s: %w", d.ID, err)
			}
		}
		return each(ctx, d)
	}
}

// lineOf is the line of a message. Its time is when it was sent last, so that each of its deliveries has the same, and
// nobody can say that it was another.
func lineOf(kind string, d events.Delivery, now time.Time) pool.Audit {
	var asked struct {
		Action      string `json:"action"`
		HostID      string `json:"hostId"`
		TenantID    string `json:"tenantId"`
		DepartureID string `json:"departureId"`
		Slot        string `json:"slot"`
		Thing       string `json:"of"`
		RequestedBy string `json:"requestedBy"`
		Reason      string `json:"reason"`
	}
	_ = events.Decode([]byte(d.Body), &asked) // what is wrong with a message is for who handles it to say
	if kind != events.TypeSlotRequest {
		asked.Slot = "" // of the departure that is named: it goes with that
	}
	line := pool.Audit{
		At: d.QueuedAt, Message: d.ID, Who: d.Sender, What: kind,
		Named: plain(asked.RequestedBy, 500), Of: plain(asked.HostID+asked.TenantID+asked.DepartureID+asked.Slot+asked.Thing, 300),
		With: plain(with(kind, d.Body), 1000), Why: plain(asked.Reason, 2000),
	}
	if line.At.IsZero() {
		line.At = now.UTC()
	}
	if asked.Action != "" {
		line.What += " " + plain(asked.Action, 50)
	}
	return line
}

// with words what else a message asks, such as "add 10.40.1.8, remove 10.40.1.7": what it says under names that its schema
// has, and nothing under others, of which nobody knows what they hold.
func with(kind, body string) string {
	var said map[string]any
	if events.Decode([]byte(body), &said) != nil {
		return "" // likewise
	}
	var parts []string
	for _, name := range events.Arguments(kind) {
		switch value := said[name].(type) {
		case nil:
		case []any:
			words := make([]string, len(value))
			for i, v := range value {
				words[i] = fmt.Sprint(v)
			}
			if len(words) > 0 {
				parts = append(parts, name+" "+strings.Join(words, " "))
			}
		default:
			parts = append(parts, fmt.Sprint(name, " ", value))
		}
	}
	return strings.Join(parts, ", ")
}

// plain is what somebody wrote, in one line and in so many bytes at most: the line is read as a whole, and was not
// judged yet by who handles the message.
func plain(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	return strings.ToValidUTF8(text[:min(len(text), most)], "")
}
