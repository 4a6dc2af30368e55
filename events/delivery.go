package events

import "time"

// Delivery is a message as a function receives it: a body of this contract and
// what SQS says of it. SQS delivers at least once, so that the same message may
// come again, also while its first delivery is still being handled.
type Delivery struct {
	ID          string    // of the message; every delivery of it has the same
	Body        string    // TypeOf says what it is
	Queue       string    // name of the queue that it came from
	SentAt      time.Time // zero when SQS does not say
	Redelivered bool      // it was delivered before: what it asks for may be half done
}
