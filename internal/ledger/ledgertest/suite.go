package ledgertest

import (
	"testing"

	"headroom/internal/ledger"
)

// Run runs the contract. open gives a new, empty ledger.
func Run(t *testing.T, open func(t *testing.T) ledger.Ledger) {
	tests := []struct {
		name string
		run  func(t *testing.T, l ledger.Ledger)
	}{
		{"a tenant is recorded once", requestOnce},
		{"a tenant comes back as it was saved", tenantRoundTrip},
		{"saving a tenant that changed is a conflict", tenantConflict},
		{"a tenant comes onto the waiting list and leaves it with its record", leavesList},
		{"tenants wait in the order in which they came", waitingOrder},
		{"a tenant waits once", waitOnce},
		{"a tenant that holds slots does not wait", waitWithoutSlots},
		{"tenants that come are counted once", signupsAreCounted},
		{"an address belongs to one tenant", addressOfOne},
		{"an address is freed as its tenant was seen", addressIsFreedAsSeen},
		{"an address is disowned", addressIsDisowned},
		{"an address that many register at once belongs to one", registrations},
		{"a waiting list closes the shelf to newcomers", queueCloses},
		{"a claim takes the heads of both lists", claimTakesHeads},
		{"a claim again gives the same", claimAgain},
		{"a bare shelf gives nothing", claimEmpty},
		{"tenants that claim together get what each would", claimTogether},
		{"tenants that claim together do not overtake", claimTogetherWhileOthersWait},
		{"so many may hold slots at once", holdsAreBounded},
		{"tenants of any name can claim", claimAnyName},
		{"a shelf comes back as it was saved", shelfRoundTrip},
		{"saving a shelf that changed is a conflict", shelfConflict},
		{"a shelf does what the rules say", shelfModel},
		{"claims at once take each slot once", ClaimsAtOnce},
		{"a refill begins only when nothing is under way", refillOrder},
		{"a refill killed anywhere is finished by the next", refillCrash},
		{"a refill drops hosts that the shelf does not need", refillTidies},
		{"settling forgets what is held as given", settleHeld},
		{"settling works for more claims than one write holds", settleMany},
		{"many tenants are read at once", manyTenants},
		{"many hosts are read at once", manyHosts},
		{"many clearances are read at once", manyClearances},
		{"hosts are saved together or not at all", hostsAreSavedTogether},
		{"a host comes back as it was saved", hostRoundTrip},
		{"saving a host that changed is a conflict", hostConflict},
		{"a host is ordered once", orderOnce},
		{"orders at once get a number each", ordersAtOnce},
		{"failures lengthen the backoff and success ends it", backoff},
		{"counters are the sum of the hosts", countersAddUp},
		{"the room of hosts of different sizes adds up", roomAddsUp},
		{"hosts at once keep the counters right", countersAtOnce},
		{"the reserve is in the order of placement", reserveOrder},
		{"lead times are kept, with the tries that failed", leadTimes},
		{"what is overdue is found, oldest first", overdueOrder},
		{"a host is coming until something came of it", comes},
		{"the tiers that ever were are listed", tiersAreListed},
		{"a tier's outlook is kept as it was saved", outlook},
		{"what was found in AWS is kept as it was saved", sightings},
		{"which hosts went out of service is kept as it was saved", storms},
		{"how far a recovery is is kept as it was saved", recoveries},
		{"a host that is adopted is on its way nowhere", adopted},
		{"a host is saved while the recovery that it is of stands", fenced},
		{"what is spent is the sum of what there is", spends},
		{"orders at once stay under the cap", capHolds},
		{"money is held once by a name", holdsMoney},
		{"all that money is held for is listed", listsAllMoney},
		{"quotas are as they were read last", quotas},
		{"why a message was refused is remembered, as it was at first", rejections},
		{"it is noted which hosts are counted in what is spent", notesCounted},
		{"a tenant departs once, and leaves the waiting list", departsOnce},
		{"a departure comes back as it was saved", departureRoundTrip},
		{"a tenant whose departure is undone is back with it", rejoins},
		{"a tenant that left signs up again with an address of its own", signsAgain},
		{"bays are written one after the other", bays},
		{"clearances begin with the scrub, and come back as they were saved", clearances},
		{"all lives of a name are listed", livesOfAName},
		{"ways out that are overdue are found", overdueWaysOut},
		{"a host's repairs come one after the other, as they were saved", repairs},
		{"a tenant's restorations come one after the other, as they were saved", restorations},
		{"a pool's ward is written by one after the other", ward},
		{"the stop switch is off until it is set", stopSwitch},
		{"an audit's lines stay as they were written", audits},
		{"how far the audit is copied is kept as it was saved", auditCopies},
		{"a canceled context is an error", canceled},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}
