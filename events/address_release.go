package events

// TypeAddressRelease is the type of AddressRelease.
const TypeAddressRelease = "AddressRelease"

// AddressRelease asks to free addresses that a tenant wished for and did not get, if they are registered as its own still.
// Instance change queue, from Headroom itself, delayed: another delivery of the wish may just be registering them, and be
// killed then.
type AddressRelease struct {
	Version   string   `json:"version"`
	Type      string   `json:"type"`
	TenantID  string   `json:"tenantId"`
	Addresses []string `json:"addresses"`
	Correlated
}

// NewAddressRelease is the release of addresses of a tenant.
func NewAddressRelease(tenantID string, addresses []string) AddressRelease {
	return AddressRelease{Version: Version, Type: TypeAddressRelease, TenantID: tenantID, Addresses: addresses}
}
