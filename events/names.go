package events

// IsTenantID reports whether a text can be the ID of a tenant.
func IsTenantID(text string) bool { return tenantIDPattern().MatchString(text) }

// IsTier reports whether a text can be the name of a tier.
func IsTier(text string) bool { return tierPattern().MatchString(text) }

// IsDepartureID reports whether a text can be the ID of a departure.
func IsDepartureID(text string) bool { return departureIDPattern().MatchString(text) }

// IsSlotName reports whether a text can name a slot: "<host>/<index>".
func IsSlotName(text string) bool { return slotNamePattern().MatchString(text) }

// AddressRefusal is why a text can't be the address of a tenant's instance, whatever the networks are where instances live;
// "" if it can.
func AddressRefusal(text string) string { return checkAddress(text) }

// ReasonRefusal is why a text can't be the reason of a request; "" if it can.
func ReasonRefusal(text string) string {
	if bad := checkWords("reason", text); bad != nil {
		return bad.Reason
	}
	return ""
}

// IsDatabaseHost reports whether a text can be the ID of a database host.
func IsDatabaseHost(text string) bool { return hostPattern().MatchString(text) }
