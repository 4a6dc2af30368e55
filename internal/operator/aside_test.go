package operator

import (
	"strings"
	"testing"
	"time"

	"headroom/internal/ledger/memory"
	"headroom/internal/pool"
	"headroom/internal/pool/inventory"
)

func TestAlarmsThatNobodyHasToActOnAreSetAside(t *testing.T) {
	const silence, differs, grave = "headroom-dev-database-standard-1-silence", "headroom-dev-ticket-inventory-differs", "headroom-dev-page-inventory-grave"
	since := noon.Add(-time.Hour)
	host := func(state pool.HostState) pool.Host {
		return pool.Host{ID: "database-standard-1", Kind: pool.Database, Tier: "standard", State: state, Since: noon.Add(-5 * time.Minute), Slots: []pool.Slot{{State: pool.SlotAssigned, Tenant: "acme"}}}
	}
	down := host(pool.HostCordoned)
	down.Alarms = map[string]pool.AlarmMark{silence: {On: true, At: noon}}
	told := func(grave bool) []inventory.Sighting {
		return []inventory.Sighting{{Key: "k", Told: true, Grave: grave, Looks: 2}}
	}
	clean := inventory.Sightings{At: noon.Add(-10 * time.Minute)}
	for name, test := range map[string]struct {
		alarm string
		host  pool.Host
		seen  inventory.Sightings
		want  string // what is said begins or ends so; empty: it is not set aside
	}{
		"of a host that is ordered":                       {silence, host(pool.HostOrdered), clean, "host database-standard-1 is being made"},
		"of a host that is prepared":                      {silence, host(pool.HostPreparing), clean, "host database-standard-1 is being made"},
		"of a host in service":                            {silence, host(pool.HostInService), clean, ""},
		"of a host that is cordoned":                      {silence, host(pool.HostCordoned), clean, ""},
		"nothing differs any more":                        {differs, host(pool.HostInService), clean, "clears by about 2026-03-02T12:20:00Z"},
		"nothing is grave any more":                       {grave, host(pool.HostInService), clean, "clears by about 2026-03-02T12:25:00Z"},
		"something differs, nothing grave":                {grave, host(pool.HostInService), inventory.Sightings{At: clean.At, All: told(false)}, "clears by about 2026-03-02T12:25:00Z"},
		"something small differs still":                   {differs, host(pool.HostInService), inventory.Sightings{At: clean.At, All: told(false)}, ""},
		"something grave differs still":                   {grave, host(pool.HostInService), inventory.Sightings{At: clean.At, All: told(true)}, ""},
		"the last look was before the alarm":              {differs, host(pool.HostInService), inventory.Sightings{At: since.Add(-time.Minute)}, ""},
		"it was never looked":                             {differs, host(pool.HostInService), inventory.Sightings{}, ""},
		"nothing is grave, and a host is out of reach":    {grave, down, clean, ""},
		"nothing is grave, and a host is lost":            {grave, host(pool.HostLost), clean, ""},
		"nothing differs, and a host is out of reach":     {differs, down, clean, "clears by about 2026-03-02T12:20:00Z"},
		"another alarm of the control plane is another's": {"headroom-dev-ticket-pool-low", host(pool.HostInService), clean, ""},
	} {
		t.Run(name, func(t *testing.T) {
			l := memory.New(memory.Options{})
			if err := l.SaveSightings(t.Context(), inventory.Sightings{}, test.seen); err != nil {
				t.Fatal(err)
			}
			on := []Alarm{{Alarm: test.alarm, Since: since}}
			o := Operator{Deployment: Deployment{Stage: "dev"}, Ledger: inMemory{l}, Now: func() time.Time { return noon }}
			if err := o.setAside(t.Context(), on, []pool.Host{test.host}, test.host.State == pool.HostLost); err != nil {
				t.Fatal(err)
			}
			if said := on[0].Aside; (said == "") != (test.want == "") || !strings.Contains(said, test.want) {
				t.Errorf("said %q, want %q", said, test.want)
			}
			if needs := ringing("dev", on, nil); len(needs) > 0 && test.want != "" {
				t.Errorf("it is a need all the same: %+v", needs)
			}
		})
	}
}
