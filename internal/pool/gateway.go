package pool

import (
	"errors"
	"time"
)

// ErrRefused means that a gateway's appliance does not do what it was asked for, and says why.
var ErrRefused = errors.New("the appliance refuses")

// GatewayLook is a gateway as Storage Gateway has it.
type GatewayLook struct {
	// State is an open word: RUNNING of one that serves. AWS's own example has STATE_RUNNING.
	State string
	// Machine is the ID of the EC2 instance that Storage Gateway knows the gateway to be on: by AWS's words that
	// which it was launched on, so it may be an earlier machine.
	Machine string
	Version string // of the software on the appliance
	// UpdateAvailable says that a newer one can be had: AWS installs it in the gateway's time of maintenance.
	UpdateAvailable bool
	// DeprecatedAt is when the appliance stops to get updates of any kind; zero: no such time is set, or it is not one
	// that can be read.
	DeprecatedAt time.Time
}
