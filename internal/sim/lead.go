package sim

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"headroom/internal/pool"
)

// Lead is how long hosts of a kind take from their order until they are in service: lognormal.
type Lead struct{ Median, P99 time.Duration }

// Leads are the lead times of both kinds.
type Leads map[pool.Kind]Lead

// DefaultLeads are what AWS is seen to take.
func DefaultLeads() Leads {
	return Leads{
		pool.Database: {20 * time.Minute, 40 * time.Minute},
		pool.Share:    {12 * time.Minute, 30 * time.Minute},
	}
}

// quantile99 is the standard normal distribution's.
const quantile99 = 2.3263478740408408

// ParseLead reads "<kind>=<median>/<p99>", such as "share=12m/30m".
func ParseLead(text string) (pool.Kind, Lead, error) {
	name, times, ok := strings.Cut(text, "=")
	median, p99, both := strings.Cut(times, "/")
	kind := pool.Kind(strings.TrimSpace(name))
	if !ok || !both || kind != pool.Database && kind != pool.Share {
		return "", Lead{}, fmt.Errorf("%q is not as in share=12m/30m or database=20m/40m: median/p99", text)
	}
	var l Lead
	var err error
	if l.Median, err = time.ParseDuration(median); err != nil {
		return "", Lead{}, fmt.Errorf("the median of %q is no duration such as 12m", text)
	}
	if l.P99, err = time.ParseDuration(p99); err != nil {
		return "", Lead{}, fmt.Errorf("the p99 of %q is no duration such as 30m", text)
	}
	if l.Median <= 0 || l.P99 < l.Median || l.P99 > 30*24*time.Hour {
		return "", Lead{}, fmt.Errorf("%q: the median must be above 0, and the p99 at least the median and 30 days at most", text)
	}
	return kind, l, nil
}

// leadsLeast is of how many lead times a distribution is made.
const leadsLeast = 10

// MeasuredLead is the distribution of lead times that were measured: lognormal, with the mean and the deviation of their
// logarithms. Of fewer than ten ok is false.
func MeasuredLead(took []time.Duration) (l Lead, ok bool) {
	if len(took) < leadsLeast {
		return Lead{}, false
	}
	mean, square, n := 0.0, 0.0, float64(len(took))
	for _, t := range took {
		x := math.Log(max(1, t.Seconds()))
		mean, square = mean+x/n, square+x*x/n
	}
	sigma := math.Sqrt(max(0, square-mean*mean) * n / (n - 1))
	seconds := func(x float64) time.Duration { return time.Duration(math.Exp(x) * float64(time.Second)) }
	return Lead{Median: seconds(mean), P99: seconds(mean + sigma*quantile99)}, true
}

// sigma is the spread of the logarithm.
func (l Lead) sigma() float64 {
	return math.Log(l.P99.Seconds()/l.Median.Seconds()) / quantile99
}

// Quantile is the lead time that hosts have come in with a probability p, above 0 and below 1.
func (l Lead) Quantile(p float64) time.Duration {
	return time.Duration(l.Median.Seconds() * math.Exp(l.sigma()*math.Sqrt2*math.Erfinv(2*p-1)) * float64(time.Second))
}

// fate is what becomes of an order.
type fate struct {
	takes time.Duration // until it is in service, or has failed
	fails bool
}

// fateOf draws what becomes of a pool's n-th order. It depends on nothing else that was drawn, so that hosts of one number
// are as fast under every policy.
func fateOf(seed uint64, l Lead, failing float64, kind pool.Kind, n int) fate {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s-%d", kind, n)
	draw := rand.New(rand.NewPCG(seed, h.Sum64()))
	f := fate{takes: time.Duration(l.Median.Seconds() * math.Exp(l.sigma()*draw.NormFloat64()) * float64(time.Second))}
	f.fails = draw.Float64() < failing
	return f
}
