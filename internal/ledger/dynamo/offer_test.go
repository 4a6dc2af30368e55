package dynamo

import (
	"testing"

	"pgregory.net/rapid"

	"headroom/internal/pool"
)

func TestOffersReadWhatTheyWrite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := pool.Offer{
			Host: rapid.IntRange(1, 1<<20).Draw(t, "host"), Index: rapid.IntRange(1, 100).Draw(t, "index"),
			Generation: rapid.IntRange(1, 1000).Draw(t, "generation"),
			Name:       rapid.StringMatching(`[a-z0-9]{8,20}`).Draw(t, "name"),
		}
		if rapid.Bool().Draw(t, "share") {
			o.Share = "share-" + rapid.StringMatching(`[A-F0-9]{8,17}`).Draw(t, "id")
		}
		got, err := decodeOffer(encodeOffer(o))
		if err != nil || got != o {
			t.Fatalf("%v became %q became %v, %v", o, encodeOffer(o), got, err)
		}
	})
}

func TestOffersRefuseWhatIsNone(t *testing.T) {
	for _, s := range []string{"", "1.2.3", "1:name", "x.2.1:name", "1.x.1:name", "1.2.x:name", "1.2.3.4:name", "1.2.3:name:share:more"} {
		if o, err := decodeOffer(s); err == nil {
			t.Errorf("%q was read as %v", s, o)
		}
	}
}
