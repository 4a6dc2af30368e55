package pool

import "fmt"

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
	for _, p := range d.Pools {
		if p.HostPrice == 0 {
			errs = append(errs, fmt.Errorf("pool %s: hostPrice is missing, without which moneyCap can't be kept", p.Key()))
		}
	}
	return errs
}
