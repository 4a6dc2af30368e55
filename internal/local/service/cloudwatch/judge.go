package cloudwatch

// How an alarm takes data that are missing.
const (
	missingIsMissing      = "missing"
	missingIsIgnored      = "ignore"
	missingIsBreaching    = "breaching"
	missingIsNotBreaching = "notBreaching"
)

// lookBack is how many periods more than its evaluation periods an alarm looks at, for data to stand in
// for missing ones. CloudWatch says only that there are some; its examples have two.
const lookBack = 2

// rules are what an alarm's state is decided by.
type rules struct {
	periods  int // evaluation periods, N
	needed   int // data points to alarm, M
	missing  string
	breaches func(float64) bool
}

// judge decides an alarm's state by the values of the last periods, the oldest first, nil where there are
// no data. It is CloudWatch's rule (user guide, "Configuring how CloudWatch alarms treat missing data"):
// as long as there are data for as many periods as the alarm evaluates, the most recent ones decide, and
// nothing is made up for those that are missing; if there are fewer, what is missing counts as the alarm
// says.
func (r rules) judge(values []*float64, current string) string {
	var known []float64
	oldest := 0 // how many periods ago the oldest value was; the last period is 1
	for i, v := range values {
		if v == nil {
			continue
		}
		if len(known) == 0 {
			oldest = len(values) - i
		}
		known = append(known, *v)
	}
	known = known[max(0, len(known)-r.periods):]
	breaching := 0
	for _, v := range known {
		if r.breaches(v) {
			breaching++
		}
	}
	absent := r.periods - len(known)
	// Nothing speaks against an alarm, but there is too little for one.
	short := absent > 0 && breaching == len(known)
	switch {
	case breaching >= r.needed:
		return Alarming
	case r.missing == missingIsBreaching && breaching+absent >= r.needed:
		return Alarming
	case r.missing == missingIsIgnored && short:
		return current
	case r.missing == missingIsMissing && len(known) == 0:
		return InsufficientData
	case r.missing == missingIsMissing && short && oldest >= r.needed:
		return Alarming // it has been so for as long as it takes, as far as is known
	}
	return OK
}
