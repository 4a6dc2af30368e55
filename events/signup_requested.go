package events

import (
	"net/netip"
	"regexp"
	"sync"
)

// TypeSignupRequested is what TypeOf calls a message without a type.
const TypeSignupRequested = "SignupRequested"

var (
	tenantIDPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`) })
	tierPattern     = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9]{1,20}$`) })
)

// SignupRequested asks for a database and a share for a tenant. It is the
// body of a message that the customer's side sends to the signup queue.
type SignupRequested struct {
	Version    string `json:"version"`
	TenantID   string `json:"tenantId"`   // unique among all tenants; also the key that makes a repeated signup harmless
	Tier       string `json:"tier"`       // which pools serve the tenant
	InstanceIP string `json:"instanceIp"` // the customer's application server: one IPv4 unicast address
	Correlated
}

// maxSignup bounds the bytes of a signup: all that means anything takes a few hundred.
const maxSignup = 16 << 10

// ParseSignupRequested reads and validates the body of a signup message. Its
// error is a *FieldError about the body, or FieldErrors about all unacceptable
// fields. Then the request holds only what was read and is well formed, so that
// a rejection can name the tenant. Names that are not known are ignored, but each name may
// be there once only, and in these letters only.
func ParseSignupRequested(body []byte) (SignupRequested, error) {
	var request SignupRequested
	fields := []requestField{
		{"version", &request.Version, checkVersion},
		{"tenantId", &request.TenantID, func(v string) *FieldError { return checkPattern("tenantId", v, tenantIDPattern()) }},
		{"tier", &request.Tier, func(v string) *FieldError { return checkPattern("tier", v, tierPattern()) }},
		{"instanceIp", &request.InstanceIP, checkInstanceIP},
		{"correlationId", &request.CorrelationID, checkCorrelation},
	}
	object, invalid := readObject(body, maxSignup, "version", "tenantId", "tier", "instanceIp", "correlationId")
	if invalid != nil {
		return request, invalid
	}
	return request, fieldErrors(object.read(fields)...)
}

func checkCorrelation(id string) *FieldError {
	if id == "" {
		return nil
	}
	return checkPattern("correlationId", id, correlationPattern())
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

func checkInstanceIP(text string) *FieldError {
	if bad := checkAddress(text); bad != "" {
		return &FieldError{Field: "instanceIp", Reason: bad}
	}
	return nil
}

// checkAddress returns why a text is not one IPv4 unicast address; "" if it is. Loopback passes: which networks may hold
// instances is configuration and checked against that.
func checkAddress(text string) string {
	if text == "" {
		return "is missing"
	}
	address, err := netip.ParseAddr(text)
	if err != nil || !address.Is4() {
		return "is not one IPv4 address"
	}
	for _, r := range reserved {
		if r.network.Contains(address) {
			return "is " + r.name + ", not a unicast address of a host"
		}
	}
	return ""
}
