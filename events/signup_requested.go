package events

import (
	"encoding/json"
	"net/netip"
	"regexp"
)

// TypeSignupRequested is what TypeOf calls a message without a type.
const TypeSignupRequested = "SignupRequested"

var (
	tenantIDPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)
	tierPattern     = regexp.MustCompile(`^[a-z0-9]{1,20}$`)
)

// SignupRequested asks for a database and a share for a tenant. It is the
// body of a message that the customer's side sends to the signup queue.
type SignupRequested struct {
	Version    string `json:"version"`
	TenantID   string `json:"tenantId"`   // unique among all tenants; also the key that makes a repeated signup harmless
	Tier       string `json:"tier"`       // which pools serve the tenant
	InstanceIP string `json:"instanceIp"` // the customer's application server: one IPv4 unicast address
}

// ParseSignupRequested reads and validates the body of a signup message. Its
// error is always a *FieldError about the first unacceptable field. Then the
// request holds only what was read and is well formed, so that a rejection
// can name the tenant.
func ParseSignupRequested(body []byte) (SignupRequested, error) {
	var request SignupRequested
	if err := json.Unmarshal(body, &request); err != nil {
		return request.wellFormed(), fieldErrorOf(err)
	}
	if invalid := request.validate(); invalid != nil {
		return request.wellFormed(), invalid
	}
	return request, nil
}

func (r SignupRequested) validate() *FieldError {
	if invalid := checkVersion(r.Version); invalid != nil {
		return invalid
	}
	if invalid := checkPattern("tenantId", r.TenantID, tenantIDPattern); invalid != nil {
		return invalid
	}
	if invalid := checkPattern("tier", r.Tier, tierPattern); invalid != nil {
		return invalid
	}
	return checkInstanceIP(r.InstanceIP)
}

// wellFormed is the request without what is malformed.
func (r SignupRequested) wellFormed() SignupRequested {
	if checkVersion(r.Version) != nil {
		r.Version = ""
	}
	if !tenantIDPattern.MatchString(r.TenantID) {
		r.TenantID = ""
	}
	if !tierPattern.MatchString(r.Tier) {
		r.Tier = ""
	}
	if checkInstanceIP(r.InstanceIP) != nil {
		r.InstanceIP = ""
	}
	return r
}

func checkVersion(version string) *FieldError {
	switch version {
	case Version:
		return nil
	case "":
		return &FieldError{Field: "version", Reason: "is missing"}
	default:
		return &FieldError{Field: "version", Reason: "is unknown: want " + Version}
	}
}

func checkPattern(field, value string, pattern *regexp.Regexp) *FieldError {
	if value == "" {
		return &FieldError{Field: field, Reason: "is missing"}
	}
	if !pattern.MatchString(value) {
		return &FieldError{Field: field, Reason: "is malformed: want " + pattern.String()}
	}
	return nil
}

// reserved are the IPv4 networks in which no host has an address of its own.
var reserved = []struct {
	network netip.Prefix
	name    string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "an address of this network (0.0.0.0/8)"},
	{netip.MustParsePrefix("169.254.0.0/16"), "a link-local address"},
	{netip.MustParsePrefix("224.0.0.0/4"), "a multicast address"},
	{netip.MustParsePrefix("255.255.255.255/32"), "the broadcast address"},
	{netip.MustParsePrefix("240.0.0.0/4"), "a reserved address (240.0.0.0/4)"},
}

// checkInstanceIP wants one IPv4 unicast address. Loopback passes: which
// networks may hold instances is configuration and checked against that.
func checkInstanceIP(text string) *FieldError {
	const field = "instanceIp"
	if text == "" {
		return &FieldError{Field: field, Reason: "is missing"}
	}
	address, err := netip.ParseAddr(text)
	if err != nil || !address.Is4() {
		return &FieldError{Field: field, Reason: "is not one IPv4 address"}
	}
	for _, r := range reserved {
		if r.network.Contains(address) {
			return &FieldError{Field: field, Reason: "is " + r.name + ", not a unicast address of a host"}
		}
	}
	return nil
}
