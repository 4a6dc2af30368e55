package pool

import "testing"

func TestAnAlarmSaysWhichHostItIsOf(t *testing.T) {
	for alarm, want := range map[string]HostID{
		"headroom-dev-share-standard-3-status":      "share-standard-3",
		"headroom-dev-database-standard-12-silence": "database-standard-12",
		"headroom-dev-page-inventory-grave":         "",
		"headroom-dev-ticket-pool-low":              "",
		"headroom-prod-share-standard-3-status":     "",
		"headroom-dev-":                             "",
		"headroom-dev-share-standard-3":             "",
	} {
		if host, is := HostOfAlarm("headroom-dev-", alarm); is != (want != "") || is && host != want {
			t.Errorf("%s is of %q, %t", alarm, host, is)
		}
	}
}
