package bus_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"headroom/internal/adapter/bus/bustest"
	"headroom/internal/local/endpoint/endpointtest"
	localbridge "headroom/internal/local/service/eventbridge"
)

func TestTheFakeTakesEventsAsEventBridgeDoes(t *testing.T) {
	bustest.Suite(t, func(*testing.T) bustest.World { return bustest.World{Client: &bustest.Bus{}, Bus: "default"} })
}

func TestTheLocalCloudTakesEventsAsEventBridgeDoes(t *testing.T) {
	bustest.Suite(t, func(t *testing.T) bustest.World {
		bridge := localbridge.New(localbridge.Config{Account: endpointtest.Account, Region: endpointtest.Region})
		t.Cleanup(func() { _ = bridge.Close() })
		return bustest.World{Client: eventbridge.NewFromConfig(endpointtest.Serve(t, bridge.Service())), Bus: localbridge.DefaultBus}
	})
}
