package bus_test

import (
	"fmt"
	"testing"

	"headroom/events"
	"headroom/internal/adapter/bus"
	"headroom/internal/adapter/bus/bustest"
)

func some(n int) []events.Event {
	var out []events.Event
	for i := range n {
		out = append(out, events.HostOrdered{Version: events.Version, HostID: fmt.Sprintf("share-standard-%d", i+1)})
	}
	return out
}

func TestEventsArePublishedInBatchesFromHeadroom(t *testing.T) {
	fake := &bustest.Bus{}
	p := &bus.Publisher{Client: fake, Bus: "headroom-dev"}
	if err := p.Publish(t.Context(), some(23)...); err != nil {
		t.Fatal(err)
	}
	published := fake.Published()
	if len(published) != 23 {
		t.Fatalf("%d events", len(published))
	}
	if e := published[22]; e.Bus != "headroom-dev" || e.Source != "headroom" || e.DetailType != "HostOrdered" {
		t.Errorf("%+v", e)
	}
}

func TestRefusedEntriesAreSentAgainAndOnlyThose(t *testing.T) {
	fake := &bustest.Bus{RefuseEvery: 3}
	p := &bus.Publisher{Client: fake, Bus: "b"}
	if err := p.Publish(t.Context(), some(10)...); err != nil {
		t.Fatal(err)
	}
	if n := len(fake.Published()); n != 10 {
		t.Errorf("%d events", n)
	}
}

func TestEntriesThatAreAlwaysRefusedAreAnError(t *testing.T) {
	p := &bus.Publisher{Client: &bustest.Bus{RefuseEvery: 1}, Bus: "b"}
	if err := p.Publish(t.Context(), some(1)...); err == nil {
		t.Error("no error")
	}
}

func TestNothingToPublishIsNoRequest(t *testing.T) {
	p := &bus.Publisher{Client: &bustest.Bus{}, Bus: "b"}
	if err := p.Publish(t.Context()); err != nil {
		t.Error(err)
	}
}
