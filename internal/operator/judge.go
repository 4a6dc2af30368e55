package operator

import (
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// form is what a name or a value of some sort looks like.
type form struct {
	is  func(text string) bool
	how string // in a sentence
}

// forms are all that Judge knows, but for addresses.
var forms = map[string]form{
	"tenant": {events.IsTenantID, "It is up to 64 letters, digits, - and _, a letter or digit first; headroom tenant list names them."},
	"host": {func(text string) bool {
		_, _, err := pool.HostID(text).Parse()
		return err == nil
	}, "It is kind, tier and number, such as share-standard-3; headroom host list names them."},
	"database host": {events.IsDatabaseHost, "It is kind, tier and number, such as database-standard-3; headroom host list names them."},
	"pool": {func(text string) bool {
		_, ok := poolKey(text)
		return ok
	}, "It is the kind and the tier, such as database-standard or share-standard; headroom pool list names them."},
	"tier":      {events.IsTier, "It is up to 20 small letters and digits, such as standard."},
	"slot":      {events.IsSlotName, "It is host and number, such as share-standard-3/2; headroom host show lists the slots of a host."},
	"departure": {events.IsDepartureID, "headroom tenant show names the departures of a tenant."},
	"slot (database or share)": {func(text string) bool {
		return text == string(pool.Database) || text == string(pool.Share)
	}, "It is database or share."},
	// Of these, an id may have all letters that the others may.
	"tenant, host or correlation id": {events.ValidCorrelation, "headroom tenant history and host show name the correlation ids of a tenant and of a host."},
	"size of a gateway's machine":    {pool.IsGatewayType, "It is xlarge or larger, such as m6i.2xlarge."},
	"grace": {func(text string) bool {
		d, err := time.ParseDuration(text)
		return err == nil && d >= 0
	}, "It is a duration such as 72h."},
	"time to be shut out": {func(text string) bool {
		d, err := time.ParseDuration(text)
		return err == nil && d > 0
	}, "It is a duration such as 10m."},
}

// Judge refuses a text that can't be one of its sort, whatever there is, so that nothing has to be asked; of a sort that it does not
// know it says nothing.
func Judge(what, text string) error {
	if what == "address" {
		if bad := events.AddressRefusal(text); bad != "" {
			return mistaken("It is one such as 10.40.1.7, of the tenant's application server.", "%q %s", text, bad)
		}
		return nil
	}
	if known, ok := forms[what]; ok && !known.is(text) {
		return mistaken(known.how, "%q is no %s", text, what)
	}
	return nil
}
