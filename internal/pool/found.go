package pool

import (
	"strconv"
	"strings"
)

// FoundDatabase is a database that stands on a host and bears a mark, whatever the ledger says of it.
type FoundDatabase struct {
	Name  string // as a slot is called: DatabaseName without what it begins with
	Mark  string // that it bears (Host.SlotMark, if it is a slot's)
	Open  bool   // its role may log in
	Holds bool   // there is something in it that is not as it was made. Of one that is open this is not looked at, and true
}

// ParseSlotMark reads what Host.SlotMark writes; ok is false of any other mark, such as that of a copy that is kept.
func ParseSlotMark(mark string) (host HostID, order string, index, generation int, ok bool) {
	parts := strings.Split(mark, "/")
	if len(parts) != 4 {
		return "", "", 0, 0, false
	}
	index, badIndex := strconv.Atoi(parts[2])
	generation, badGeneration := strconv.Atoi(parts[3])
	_, _, badHost := HostID(parts[0]).Parse()
	return HostID(parts[0]), parts[1], index, generation, badHost == nil && badIndex == nil && badGeneration == nil && index > 0 && generation > 0
}
