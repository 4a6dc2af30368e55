package pool

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// HeldMoney is money that is held under the cap for something that is no host of a pool.
type HeldMoney struct {
	Name  string // of what it is held for: Restoration.MoneyName, Repair.MoneyName
	Price Cents
}

// What disks cost that are kept for a term: gp3, at the list price of eu-west-1 in 2026.
const (
	// RootDiskPrice is that of a root disk, of 80 GiB.
	RootDiskPrice Cents = 704
	// cacheDiskPrice is that of the smallest cache disk that there is, of 150 GiB.
	cacheDiskPrice Cents = 1320
	// tenthsPerGiB are tenths of a cent a month.
	tenthsPerGiB = 88
)

// KeptPrice is what the disks cost a month that a way leaves behind: another machine takes the root disk's place, and a new gateway
// the cache's as well. volumes are those that bear the host's marks; one that is not among them costs what the smallest does.
func (r Repair) KeptPrice(w Way, volumes []Volume) Cents {
	price := func(id string, least Cents) Cents {
		for _, v := range volumes {
			if v.ID == id && id != "" {
				return max(least, Cents((v.GiB*tenthsPerGiB+9)/10))
			}
		}
		return least
	}
	switch w {
	case WayMachine:
		return price(r.Root, RootDiskPrice)
	case WayGateway:
		return price(r.Root, RootDiskPrice) + price(r.Cache, cacheDiskPrice)
	}
	return 0
}

const (
	restorationMoney = "restoration/"
	repairMoney      = "repair/"
)

// MoneyName is the name by which money is held for a restoration's temporary instance.
func (r Restoration) MoneyName() string { return restorationMoney + string(r.ID()) }

// MoneyName is the name by which money is held for what a repair makes for a time.
func (r Repair) MoneyName() string { return repairMoney + r.ID() }

// Restoration names the restoration that money is held for.
func (m HeldMoney) Restoration() (tenant TenantID, number int, ok bool) {
	id, ok := strings.CutPrefix(m.Name, restorationMoney)
	if !ok {
		return "", 0, false
	}
	return RestorationID(id).Parse()
}

// Repair names the repair that money is held for.
func (m HeldMoney) Repair() (host HostID, number int, ok bool) {
	id, ok := strings.CutPrefix(m.Name, repairMoney)
	if !ok {
		return "", 0, false
	}
	i := strings.LastIndex(id, ".")
	if i < 0 {
		return "", 0, false
	}
	number, err := strconv.Atoi(id[i+1:])
	return HostID(id[:i]), number, err == nil
}

// HoldsMoney reports whether a tenant's restoration, as it is recorded, still needs the money that is held for one of a number: from
// before its instance is ordered until that is gone.
func (r Restoration) HoldsMoney(number int) bool { return r.Number == number && r.Ordered }

// HoldsMoney reports whether a host's repair, as it is recorded, still needs the money that is held for one of a number: until that has
// ended, and for as long as disks are kept that it left.
func (r Repair) HoldsMoney(number int) bool {
	return r.Number == number && !r.State.Ended() ||
		slices.ContainsFunc(r.Kept, func(k KeptDisk) bool { return k.Repair == number || k.Repair == 0 })
}

// Capped says why something of a price is not had, in words. They stay the same while it is so: people are told once.
func Capped(most Cents, what string, price Cents) error {
	return fmt.Errorf("limit moneyCap: nearly all of the cap %s is spent, and %s costs %s a month: %w", most, what, price, ErrCapped)
}
