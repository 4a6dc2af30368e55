package demo

import (
	"encoding/json"
	"testing"
	"time"

	"headroom/internal/pool"
)

func TestTheLoneTierIsAddedToAPolicyThatIsTaken(t *testing.T) {
	bounds := pool.Bounds{DatabaseSlots: 100}
	before, err := pool.ParseDocument([]byte(policyDocument), bounds)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // what is there already is not there twice
		text, err := json.Marshal(withLoneTier(before))
		if err != nil {
			t.Fatal(err)
		}
		after, err := pool.ParseDocument(text, bounds)
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range pool.Kinds {
			p, ok := after.Pools.Of(pool.Key{Kind: kind, Tier: loneTier})
			if !ok || p.SlotsPerHost != 1 || p.Ceiling != 1 {
				t.Errorf("of %s it says %+v", kind, p)
			}
		}
		if len(after.Pools) != 6 || !after.Pools.Serves("standard") || after.Terms.CoolDown != pool.Term(time.Minute) || after.Terms.Grace != before.Terms.Grace {
			t.Errorf("it says %+v", after)
		}
		before = after
	}
}
