package events

// TypeRepairRequest is the type of RepairRequest.
const TypeRepairRequest = "RepairRequest"

// What a RepairRequest asks for.
const (
	// RepairProceed gives a person's word for the way that a repair has asked for.
	RepairProceed = "proceed"
	// RepairDrop ends a repair that waits or asks.
	RepairDrop = "drop"
	// RepairReplace replaces the machine of a host that is well by one of another image.
	RepairReplace = "replace"
	// RepairResize gives the machine of a host that is well another size, by a stop and a start.
	RepairResize = "resize"
	// RepairUpdate brings the stack of a host that is well to the template that new hosts are made from.
	RepairUpdate = "update"
	// RepairDiscard gives a person's word that the disks of a gateway which was given up, which may hold what is nowhere else, may
	// go once their term is over.
	RepairDiscard = "discard"
)

// RepairRequest is what a person wants done about a share host's machine. Repair requests queue.
type RepairRequest struct {
	Version     string `json:"version"`
	Type        string `json:"type"`
	HostID      string `json:"hostId"`
	Action      string `json:"action"`          // RepairProceed, RepairDrop, RepairReplace, RepairResize, RepairUpdate or RepairDiscard
	Way         string `json:"way,omitempty"`   // that the word is given for: the one that was asked for, or gateway where machine was
	Image       string `json:"image,omitempty"` // ID of the image, for RepairReplace
	Size        string `json:"size,omitempty"`  // such as m6i.2xlarge, for RepairResize
	RequestedBy string `json:"requestedBy"`
	Reason      string `json:"reason"`
	Correlated
}
