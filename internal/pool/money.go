package pool

import (
	"fmt"
	"math"
)

// Cents is an amount of money, in cents of a dollar a month. Sums of it are exact.
type Cents int64

// Dollars is the amount in dollars.
func (c Cents) Dollars() float64 { return float64(c) / 100 }

func (c Cents) String() string { return dollars(c.Dollars()) }

// cents is an amount of dollars.
func cents(dollars float64) Cents { return Cents(math.Round(dollars * 100)) }

// Price is what a host of the pool costs a month.
func (p Policy) Price() Cents { return cents(p.HostPrice) }

// Cap is what all hosts of the stage together may cost a month; 0: there is no cap.
func (d Document) Cap() Cents { return cents(d.MoneyCap) }

// Spending is what a host adds to what is spent: its price while it exists, or may exist.
func Spending(h Host) Cents {
	if h.ID == "" || !h.State.Live() {
		return 0
	}
	return h.Price
}

// Budget is what is spent, and what may be.
type Budget struct {
	Cap   Cents // 0: there is none
	Spent Cents
}

// Allows reports whether something of a price may be bought.
func (b Budget) Allows(price Cents) bool { return b.Cap == 0 || b.Spent+price <= b.Cap }

// limit is how many hosts of a policy the budget has money for; ok is false when there is no cap.
func (b Budget) limit(p Policy) (l Limit, ok bool) {
	if b.Cap == 0 {
		return Limit{}, false
	}
	said := fmt.Sprintf("cap %s: %s", b.Cap, b.Spent)
	l = Limit{Name: "moneyCap", Most: math.MaxInt32, Why: fmt.Sprintf("%s, and a host costs %s", said, p.Price()), Note: said}
	if price := p.Price(); price > 0 {
		l.Most = int(max(0, b.Cap-b.Spent) / price)
	}
	return l, true
}

// checkMoney says what is wrong with a document's cap. Under a cap every host must have a price, or it would be
// bought for nothing.
func (d Document) checkMoney() []error {
	var errs []error
	if d.MoneyCap < 0 || d.MoneyCap > dollarsMost {
		errs = append(errs, fmt.Errorf("moneyCap is %v", d.MoneyCap))
	}
	if d.MoneyCap == 0 {
		return errs
	}
	if d.MoneyCap > 0 && d.Cap() == 0 {
		errs = append(errs, fmt.Errorf("moneyCap is %v, less than a cent", d.MoneyCap))
	}
	for _, p := range d.Pools {
		if p.Price() == 0 {
			errs = append(errs, fmt.Errorf("pool %s: hostPrice is missing, or less than a cent, and moneyCap can't be kept without it", p.Key()))
		}
	}
	return errs
}
