package events

import (
	"fmt"
	"strconv"
	"time"
)

// Attributes of a message that was kept as a dead letter, or sent again from there: SQS takes it for a new one.
const (
	AttributeField  = "field"   // what it was refused for, as FieldError has it
	AttributeReason = "reason"  // likewise
	AttributeSentAt = "sentAt"  // when it was sent at first, in milliseconds since the epoch
	AttributeID     = "firstId" // ID that it had at first
	AttributeSender = "sender"  // who sent it, as SQS knew: of what a function keeps, SQS knows the function as the sender
)

// Delivery is a message as a function receives it: a body of this contract and
// what SQS says of it. SQS delivers at least once, so that the same message may
// come again, also while its first delivery is still being handled.
type Delivery struct {
	ID          string    // of the message; every delivery of it has the same
	FirstID     string    // that it had before it was a dead letter and sent again; empty: it was none
	Body        string    // TypeOf says what it is
	Queue       string    // name of the queue that it came from
	Sender      string    // who sent it, as SQS knows: the ID of a user or of a role, and its session's name; empty when SQS does not say
	SentAt      time.Time // when it was sent at first; zero when SQS does not say
	QueuedAt    time.Time // when it was sent last, by SQS's clock: later than SentAt for one that was a dead letter; zero likewise
	Redelivered bool      // it was delivered before: what it asks for may be half done
}

// Kept are the attributes with which a message is kept that is refused.
func (d Delivery) Kept(bad *FieldError) map[string]string {
	kept := map[string]string{AttributeField: bad.Field, AttributeReason: bad.Reason, AttributeID: d.ID}
	if ValidCorrelation(d.FirstID) { // it was refused before, and sent again
		kept[AttributeID] = d.FirstID
	}
	if d.Sender != "" {
		kept[AttributeSender] = d.Sender
	}
	if !d.SentAt.IsZero() {
		kept[AttributeSentAt] = strconv.FormatInt(d.SentAt.UnixMilli(), 10)
	}
	return kept
}

// First is when a message was sent at first, by its attribute: SQS's own time is when it was sent last. Anybody can say
// that it was earlier, which makes it count for less, and nobody that it was later.
func First(sent time.Time, attribute string) time.Time {
	if ms, err := strconv.ParseInt(attribute, 10, 64); err == nil && ms > 0 && time.UnixMilli(ms).Before(sent) {
		return time.UnixMilli(ms).UTC()
	}
	return sent
}

// Who words who asks for what a message asks for: whom the message names, and who sent it. Only the latter is certain.
func (d Delivery) Who(named string) string {
	switch {
	case d.Sender == "":
		return named
	case named == "":
		return d.Sender
	}
	return named + " (sent by " + d.Sender + ")"
}

// Read hands the message of a delivery to handle, as what it says that it is. One that can't be read is an error.
func Read[M any](d Delivery, handle func(M) error) error {
	var message M
	if err := Decode([]byte(d.Body), &message); err != nil {
		return fmt.Errorf("read message %s: %w", d.ID, err)
	}
	return handle(message)
}
