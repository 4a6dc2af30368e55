package pool_test

import (
	"testing"

	"headroom/internal/pool"
)

func TestAShareIsKnownByItsGatewayAndID(t *testing.T) {
	const gateway = "arn:aws:storagegateway:eu-central-1:123456789012:gateway/sgw-12A3456B"
	want := pool.ShareRef{Gateway: gateway, ID: "share-AB12CD34"}
	access := pool.Access{Gateway: gateway}
	diff(t, "of a claim", pool.Side{Access: access, Offer: pool.Offer{Share: want.ID}}.ShareRef(), want)

	h := pool.Host{Access: access, Slots: []pool.Slot{{Index: 1}, {Index: 2, Share: want.ID}}}
	ref, ok := h.ShareRef(2)
	diff(t, "of a host", []any{ref, ok}, []any{want, true})
	for name, test := range map[string]struct {
		host  pool.Host
		index int
	}{
		"a slot without a share":    {h, 1},
		"a slot that is not there":  {h, 3},
		"a host that is no gateway": {pool.Host{Slots: h.Slots}, 2},
	} {
		if ref, ok := test.host.ShareRef(test.index); ok {
			t.Errorf("%s has the share %+v", name, ref)
		}
	}
}
