package appliance

import "sync"

// Vitals are what an appliance tells of itself.
type Vitals struct {
	IoWait       float64 // how much of their time its processors wait for its disks, in percent
	Availability int     // notifications that it was not available, or was started anew, since it was last asked
	Health       int     // notifications that it is not well, since it was last asked
	Uploaded     int64   // bytes that it has uploaded since it was last asked
	Read         int64   // bytes that clients have read since it was last asked
	Written      int64   // bytes that clients have written since it was last asked
}

// vitals are an appliance's, until somebody asks.
type vitals struct {
	mu sync.Mutex
	Vitals
}

// Vitals tells how the appliance is.
func (a *Appliance) Vitals() Vitals {
	a.vitals.mu.Lock()
	defer a.vitals.mu.Unlock()
	now := a.vitals.Vitals
	a.vitals.Vitals = Vitals{IoWait: now.IoWait}
	return now
}

// Ail lets the appliance tell worse of itself: notifications are added to those that there are.
func (a *Appliance) Ail(of Vitals) {
	a.vitals.mu.Lock()
	defer a.vitals.mu.Unlock()
	a.vitals.IoWait = of.IoWait
	a.vitals.Availability += of.Availability
	a.vitals.Health += of.Health
}

// uploaded counts what is in the bucket now.
func (a *Appliance) uploaded(bytes int) {
	a.vitals.mu.Lock()
	defer a.vitals.mu.Unlock()
	a.vitals.Uploaded += int64(bytes)
}

// traffic counts what clients read and write.
func (v *vitals) traffic(read, written int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.Read += int64(read)
	v.Written += int64(written)
}
