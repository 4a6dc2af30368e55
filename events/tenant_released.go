package events

// TenantReleased says that nothing is left of a tenant but its archive, and what the certificate names.
type TenantReleased struct {
	Version     string      `json:"version"`
	TenantID    string      `json:"tenantId"`
	Tier        string      `json:"tier"`
	ReleasedAt  Time        `json:"releasedAt"`
	Certificate Certificate `json:"certificate"`
	Correlated
}

// DetailType is the detail-type of the event.
func (TenantReleased) DetailType() string { return "TenantReleased" }

// Certificate is what was archived, scrubbed and proven when a tenant left. It lies beside the archive, under the same
// lock.
type Certificate struct {
	Version      string           `json:"version"`
	TenantID     string           `json:"tenantId"`
	Departure    string           `json:"departure"`
	Reason       string           `json:"reason"`
	RequestedBy  string           `json:"requestedBy"`
	RequestedAt  Time             `json:"requestedAt"`
	Archive      ArchiveRef       `json:"archive"` // without a key: nothing was ever handed over to the tenant
	Steps        []CertifiedStep  `json:"steps"`   // of the departure, in order
	Slots        []CertifiedSlot  `json:"slots"`
	Remainders   []CertifiedTrace `json:"remainders"`        // what holds some of it still, and until when
	Missing      []CertifiedLoss  `json:"missing,omitempty"` // what the tenant wrote and the archive may lack; empty: it is complete
	CertifiedAt  Time             `json:"certifiedAt"`
	CertifiedKey string           `json:"certificateKey"` // of this certificate, in the archive's bucket
}

// CertifiedStep is one step with the evidence on which the next one was begun.
type CertifiedStep struct {
	Step string `json:"step"`
	At   Time   `json:"at"`
	What string `json:"what"`
}

// CertifiedSlot is the way of one slot back into its pool.
type CertifiedSlot struct {
	Kind       string          `json:"kind"`
	Host       string          `json:"host"`
	Index      int             `json:"index"`
	Generation int             `json:"generation"`
	Destroyed  int64           `json:"destroyed"` // object versions, delete markers and unfinished uploads
	Steps      []CertifiedStep `json:"steps"`
	Retired    string          `json:"retired"` // why it is out of use, and was not proven clean; empty: it was, and is free again
}

// CertifiedTrace is something that holds some of a tenant's data still.
type CertifiedTrace struct {
	What  string `json:"what"`
	Until Time   `json:"until,omitzero"` // left out where nobody says until when
}

// CertifiedLoss is a gateway that was given up, the oldest first: what it had acknowledged to the tenant and not uploaded is in no bucket,
// and so in no archive.
type CertifiedLoss struct {
	Gateway string `json:"gateway"` // its ID
	GivenUp Time   `json:"givenUpAt"`
	What    string `json:"what"` // that may be missing, in words
}

// ArchiveRef is where an archive lies, and what it must be.
type ArchiveRef struct {
	Bucket            string `json:"bucket"`
	Key               string `json:"key"`
	VersionID         string `json:"versionId"`
	Bytes             int64  `json:"bytes"`
	SHA256            string `json:"sha256"`
	ManifestKey       string `json:"manifestKey"`
	ManifestVersionID string `json:"manifestVersionId"`
	ManifestSHA256    string `json:"manifestSha256"`
	Entries           int64  `json:"entries"`
	RetainUntil       Time   `json:"retainUntil"`
}
