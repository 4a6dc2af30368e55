package events

// TypeFinishSignup is the type of FinishSignup.
const TypeFinishSignup = "FinishSignup"

// FinishSignup asks signup to publish StorageReady once the tenant's share is
// available, which takes a moment after its client list has changed. Signup
// queue, from Headroom itself, delayed: this is how Headroom waits.
type FinishSignup struct {
	Version  string       `json:"version"`
	Type     string       `json:"type"`
	Attempt  int          `json:"attempt"`  // counts from 1
	ShareARN string       `json:"shareArn"` // of the share that is waited for
	Ready    StorageReady `json:"ready"`    // what will be published
}

// NewFinishSignup fills in the version and the type.
func NewFinishSignup(ready StorageReady, shareARN string, attempt int) FinishSignup {
	return FinishSignup{Version: Version, Type: TypeFinishSignup, Attempt: attempt, ShareARN: shareARN, Ready: ready}
}
