package gateway

import (
	"errors"
	"testing"
	"time"

	"headroom/internal/adapter/gateway/gatewaytest"
	"headroom/internal/pool"
)

func TestALookTellsOfTheGateway(t *testing.T) {
	fake := &gatewaytest.Service{}
	g := &Gateways{Client: fake}
	arn := fake.Add("share-standard-1", nil, false)
	if got, err := g.Look(t.Context(), arn); err != nil || got != (pool.GatewayLook{State: "RUNNING"}) {
		t.Errorf("of a gateway of which nothing more is known: %+v, %v", got, err)
	}
	june := time.Date(2026, 6, 30, 0, 0, 0, 0, time.UTC)
	for text, at := range map[string]time.Time{
		"2026-06-30": june, "2026-06-30T00:00:00": june, "2026-06-30T00:00:00Z": june, "2026-06-30T02:00:00.000+02:00": june, "June": {}, "": {},
	} {
		fake.Change(arn, func(g *gatewaytest.Gateway) {
			g.State, g.Machine, g.Version, g.NextUpdate, g.Deprecated = "SHUTDOWN", "i-1", "1.27.2", "2026-11-30T03:00:00", text
		})
		want := pool.GatewayLook{State: "SHUTDOWN", Machine: "i-1", Version: "1.27.2", UpdateAvailable: true, DeprecatedAt: at}
		if got, err := g.Look(t.Context(), arn); err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	fake.Away(arn, true)
	if _, err := g.Look(t.Context(), arn); !errors.Is(err, pool.ErrUnreachable) {
		t.Errorf("while its appliance is away: %v", err)
	}
	if _, err := g.Look(t.Context(), arn+"9"); !errors.Is(err, pool.ErrNotFound) || errors.Is(err, pool.ErrUnreachable) {
		t.Errorf("of none: %v", err)
	}
}
