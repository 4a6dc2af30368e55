package pool

import "errors"

// ErrRefused means that a gateway's appliance does not do what it was asked for, and says why.
var ErrRefused = errors.New("the appliance refuses")
