package events

// TypeFinishSignup is the type of FinishSignup.
const TypeFinishSignup = "FinishSignup"

// FinishSignup asks signup to publish StorageReady once the tenant's share is
// available, which takes a moment after its client list has changed. Queue of
// signup's steps, from Headroom itself, delayed: this is how Headroom waits.
type FinishSignup struct {
	Version  string       `json:"version"`
	Type     string       `json:"type"`
	Attempt  int          `json:"attempt"`    // counts from 1
	Gateway  string       `json:"gatewayArn"` // of the share that is waited for
	ShareID  string       `json:"shareId"`    // of the share that is waited for
	Instance string       `json:"instanceIp"` // to which the share is being opened
	Ready    StorageReady `json:"ready"`      // what will be published
}

// NewFinishSignup fills in the version and the type.
func NewFinishSignup(ready StorageReady, gateway, shareID, instance string, attempt int) FinishSignup {
	return FinishSignup{
		Version: Version, Type: TypeFinishSignup, Attempt: attempt, Gateway: gateway, ShareID: shareID, Instance: instance, Ready: ready,
	}
}
