package demo

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"headroom/events"
)

// words says in a line what an event says; one that is unknown here, or can't be read, as it is.
func words(detailType string, detail json.RawMessage) string {
	switch detailType {
	case events.StorageReady{}.DetailType():
		return reworded(detailType, detail, func(e events.StorageReady) string {
			return fmt.Sprintf("%s has its storage: database %s on %s, share %s:%s, secret %s",
				e.TenantID, e.Database.Name, e.Database.Host, e.Share.Host, e.Share.Path, e.Database.SecretARN)
		})
	case events.StorageWaiting{}.DetailType():
		return reworded(detailType, detail, func(e events.StorageWaiting) string {
			return fmt.Sprintf("%s waits as number %d%s: %s", e.TenantID, e.Position, howLong(e), e.Reason)
		})
	case events.SignupRejected{}.DetailType():
		return reworded(detailType, detail, rejected)
	case events.HostOrdered{}.DetailType():
		return reworded(detailType, detail, func(e events.HostOrdered) string {
			return fmt.Sprintf("%s is ordered: %s", e.HostID, e.Reason)
		})
	case events.HostInService{}.DetailType():
		return reworded(detailType, detail, func(e events.HostInService) string {
			line := fmt.Sprintf("%s is in service: %s", e.HostID, e.Reason)
			if e.LeadTimeSeconds > 0 {
				line += ", " + inWords(time.Duration(e.LeadTimeSeconds)*time.Second) + " after its order"
			}
			return line
		})
	case events.HostCordoned{}.DetailType():
		return reworded(detailType, detail, func(e events.HostCordoned) string {
			return fmt.Sprintf("%s takes no more tenants: %s", e.HostID, e.Reason)
		})
	case events.HostLost{}.DetailType():
		return reworded(detailType, detail, func(e events.HostLost) string {
			return fmt.Sprintf("%s is lost, with %d tenants: %s", e.HostID, len(e.Tenants), e.Reason)
		})
	case events.HostRepairWaits{}.DetailType():
		return reworded(detailType, detail, func(e events.HostRepairWaits) string {
			return fmt.Sprintf("%s needs mending, and waits: %s", e.HostID, e.Reason)
		})
	case events.HostRepairAsks{}.DetailType():
		return reworded(detailType, detail, func(e events.HostRepairAsks) string {
			return fmt.Sprintf("%s is mended by way %s with a person's word only: %s", e.HostID, e.Way, e.Reason)
		})
	case events.HostRepaired{}.DetailType():
		return reworded(detailType, detail, func(e events.HostRepaired) string {
			return fmt.Sprintf("%s is repaired by way %s; it took no writes for %d s", e.HostID, e.Way, e.UnwritableSeconds)
		})
	case events.HostFailed{}.DetailType():
		return reworded(detailType, detail, func(e events.HostFailed) string {
			return fmt.Sprintf("%s failed: %s", e.HostID, e.Reason)
		})
	case events.HostQuarantined{}.DetailType():
		return reworded(detailType, detail, func(e events.HostQuarantined) string {
			return fmt.Sprintf("%s is quarantined: %s", e.HostID, e.Reason)
		})
	case events.HostRetired{}.DetailType():
		return reworded(detailType, detail, func(e events.HostRetired) string {
			return fmt.Sprintf("%s is retired: %s", e.HostID, e.Reason)
		})
	case events.TenantClosed{}.DetailType():
		return reworded(detailType, detail, func(e events.TenantClosed) string {
			return fmt.Sprintf("%s leaves, and is shut out (%s: %s); that can be undone for %s",
				e.TenantID, e.RequestedBy, e.Reason, inWords(e.GraceUntil.Sub(e.ClosedAt.Time)))
		})
	case events.TenantReopened{}.DetailType():
		return reworded(detailType, detail, func(e events.TenantReopened) string {
			return fmt.Sprintf("%s stays, and has its storage as before (%s: %s)", e.TenantID, e.RequestedBy, e.Reason)
		})
	case events.TenantReleased{}.DetailType():
		return reworded(detailType, detail, func(e events.TenantReleased) string {
			return fmt.Sprintf("%s has left; certified in %s", e.TenantID, e.Certificate.CertifiedKey)
		})
	case events.TenantRestored{}.DetailType():
		return reworded(detailType, detail, func(e events.TenantRestored) string {
			return fmt.Sprintf("%s went back to %s (%s: %s); its database let nobody in for %d s, at most",
				e.TenantID, e.RestoredTo.Format(time.TimeOnly), e.RequestedBy, e.Reason, e.RefusedSeconds)
		})
	case events.TenantRestoreUndone{}.DetailType():
		return reworded(detailType, detail, func(e events.TenantRestoreUndone) string {
			return fmt.Sprintf("%s has its database of before it went back again (%s: %s)", e.TenantID, e.RequestedBy, e.Reason)
		})
	case events.AccessChanging{}.DetailType():
		return reworded(detailType, detail, func(e events.AccessChanging) string {
			return fmt.Sprintf("tenant %s is about to be shut out of its database for some %d s: %s", e.TenantID, e.RefusedSeconds, e.Reason)
		})
	case events.AccessChanged{}.DetailType():
		return reworded(detailType, detail, accessChanged)
	case events.RequestRejected{}.DetailType():
		return reworded(detailType, detail, func(e events.RequestRejected) string {
			return fmt.Sprintf("%s of %s is rejected: %s %s", e.Type, cmp.Or(e.TenantID, "a tenant that can't be told"), e.Field, e.Reason)
		})
	}
	return fmt.Sprintf("%s %s", detailType, detail)
}

func accessChanged(e events.AccessChanged) string {
	var said []string
	if len(e.Added) > 0 {
		said = append(said, "at "+strings.Join(e.Added, ", "))
	}
	if len(e.Removed) > 0 {
		said = append(said, "no more at "+strings.Join(e.Removed, ", "))
	}
	if e.Database != nil {
		said = append(said, "by database host "+e.Database.Host)
	}
	return fmt.Sprintf("%s is served %s", e.TenantID, strings.Join(said, ", "))
}

func reworded[E events.Event](detailType string, detail json.RawMessage, say func(E) string) string {
	var e E
	if err := json.Unmarshal(detail, &e); err != nil {
		return fmt.Sprintf("%s %s", detailType, detail)
	}
	return say(e)
}

func rejected(e events.SignupRejected) string {
	return fmt.Sprintf("the signup of %s is rejected: %s %s", cmp.Or(e.TenantID, "a tenant that can't be told"), e.Field, e.Reason)
}

// howLong words for how long a tenant is told that it waits.
func howLong(e events.StorageWaiting) string {
	switch {
	case e.Estimate != nil:
		return fmt.Sprintf(", for about %s and hardly longer than %s",
			inWords(time.Duration(e.Estimate.P50Seconds)*time.Second), inWords(time.Duration(e.Estimate.P90Seconds)*time.Second))
	case e.Capped != "":
		return ", nobody knows for how long (" + e.Capped + ")"
	}
	return ""
}
