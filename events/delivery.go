package events

import "time"

// Delivery is a message as a function receives it: a body of this contract and
// what SQS says of it. SQS delivers at least once, so that the same message may
// come again, also while its first delivery is still being handled.
type Delivery struct {
	ID          string    // of the message; every delivery of it has the same
	Body        string    // TypeOf says what it is
	Queue       string    // name of the queue that it came from
	Sender      string    // who sent it, as SQS knows: the ID of a user or of a role, and its session's name; empty when SQS does not say
	SentAt      time.Time // zero when SQS does not say
	Redelivered bool      // it was delivered before: what it asks for may be half done
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
