package demo

import (
	"testing"

	"headroom/events"
)

// Hosts of the local cloud share an address, and are told apart by their ports.
func TestWhoGoesBackHasANeighbourOnItsHost(t *testing.T) {
	on := func(id string, port int) Tenant {
		return Tenant{ID: id, Ready: events.StorageReady{Database: events.Database{Host: "localhost", Port: port}}}
	}
	alone, second := on("a", 1), on("b", 2)
	if got, with, ok := sharing([]Tenant{alone, second}, []Tenant{alone, second}); ok {
		t.Errorf("%s is beside %s", got.ID, with.ID)
	}
	for name, others := range map[string][]Tenant{"among those that there are": {alone, second, on("c", 2)}, "who came": {alone, second, on("n", 3), on("m", 2)}} {
		if got, with, ok := sharing([]Tenant{alone, second}, others); !ok || got.ID != "b" || with.Ready.Database.Port != 2 || with.ID == "b" {
			t.Errorf("%s: %v, %s beside %s", name, ok, got.ID, with.ID)
		}
	}
}
