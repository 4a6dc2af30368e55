// Package forecast says how many slots a pool needs free, from how many tenants came lately, how unsteadily, and how
// long hosts have taken to build; and what follows for those who wait. It is pure arithmetic: a function of what
// was noted and of the time. Times inside it are minutes.
//
// In one sentence, for operators: enough slots stay free that 99 of 100 signups are served at once, given how many
// came lately, how unsteadily, and how long hosts have taken to build.
//
// A plan goes through it in this order: Demand notes signups (Rate, Spread); LeadTimes tells how long hosts take;
// Demand.Arrivals is how many come in a time (a negative binomial distribution); Buffer is what must stay free.
package forecast

import "time"

// minutes is a duration as the package counts it.
func minutes(d time.Duration) float64 { return d.Minutes() }
