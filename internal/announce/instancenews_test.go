package announce_test

import (
	"strings"
	"testing"

	"headroom/internal/pool"
)

func TestPeopleAreToldWhatRDSSays(t *testing.T) {
	a, _, topic, _ := speaking(t)
	h := pool.Host{ID: "database-standard-7", State: pool.HostInService}
	for _, id := range []string{"RDS-EVENT-0006", "RDS-EVENT-0056"} {
		if err := a.InstanceNews(t.Context(), h, pool.InstanceNews{Event: id, Message: "too many of them", At: restored().To}); err != nil {
			t.Fatal(err)
		}
	}
	notes := topic.Notes()
	if len(notes) != 1 || !strings.Contains(notes[0].Subject, "database-standard-7 has more databases than RDS advises") ||
		!strings.Contains(notes[0].Message, "RDS-EVENT-0056") || !strings.Contains(notes[0].Message, "too many of them") {
		t.Errorf("told: %v", notes)
	}
}
