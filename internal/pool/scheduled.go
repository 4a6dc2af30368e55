package pool

import (
	"fmt"
	"time"
)

// Scheduled is how many slots of a pool are to be free in a time that is known to be busy, such as a launch.
type Scheduled struct {
	From  time.Time `json:"from"`  // by then they are free: hosts are ordered a lead time before
	Until time.Time `json:"until"` // from then on they may be taken for whatever else
	Free  int       `json:"free"`
}

// scheduledMost bounds the times that a policy may list.
const scheduledMost = 50

// scheduled is how many slots are to be free now by what is scheduled, and until when. They count for as long before
// they are wanted as nearly every host takes.
func (p Policy) scheduled(now time.Time, lead time.Duration) (free int, until time.Time) {
	for _, s := range p.Scheduled {
		if !now.Before(s.From.Add(-lead)) && now.Before(s.Until) && s.Free > free {
			free, until = s.Free, s.Until
		}
	}
	return free, until
}

func (p Policy) checkScheduled() []error {
	var errs []error
	if n := len(p.Scheduled); n > scheduledMost {
		errs = append(errs, fmt.Errorf("pool %s: %d times are scheduled, more than %d", p.Key(), n, scheduledMost))
	}
	for i, s := range p.Scheduled {
		if s.From.IsZero() || !s.Until.After(s.From) {
			errs = append(errs, fmt.Errorf("pool %s: scheduled[%d] is from %s until %s", p.Key(), i, s.From.Format(time.RFC3339), s.Until.Format(time.RFC3339)))
		}
		if s.Free < 1 || s.Free > mostScheduled {
			errs = append(errs, fmt.Errorf("pool %s: scheduled[%d].free is %d, not 1 to %d", p.Key(), i, s.Free, mostScheduled))
		}
	}
	return errs
}

// mostScheduled bounds the slots that may be scheduled to be free.
const mostScheduled = 100_000
