package events

// HostRetired says that a host that was empty and not needed is gone, with all that was its own but what it names.
type HostRetired struct {
	Version     string    `json:"version"`
	HostID      string    `json:"hostId"`
	Kind        string    `json:"kind"`
	Tier        string    `json:"tier"`
	Reason      string    `json:"reason"`      // why it was not needed, with the numbers
	RequestedBy string    `json:"requestedBy"` // empty: the pool check found it not needed
	Began       Time      `json:"began"`       // when it took nobody any more
	MonthCents  int       `json:"monthCents"`  // what it cost a month, in cents of a dollar
	Left        []Remnant `json:"left"`
	Correlated
}

// Remnant is something of a retired host that is left for a time.
type Remnant struct {
	What  string `json:"what"`            // such as "final snapshot"
	Name  string `json:"name"`            // that AWS knows it by
	Until *Time  `json:"until,omitempty"` // when it is deleted; left out: when a person does
}

// DetailType is the detail-type of the event.
func (HostRetired) DetailType() string { return "HostRetired" }
