package local_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"headroom/internal/local/service/eventbridge"
	"headroom/internal/local/service/lambda"
)

func TestAllThatIsLocalHasOneClock(t *testing.T) {
	o := options(t)
	o.Speed, o.RetryDelay = 60, 0
	cloud := start(t, o)
	time.Sleep(time.Second) // by then it is a minute ahead of the machine's
	echoes := listen(cloud)
	var mu sync.Mutex
	var said, failed []time.Time
	cloud.Events.Subscribe("echo-bus", func(e eventbridge.Event) {
		mu.Lock()
		defer mu.Unlock()
		said = append(said, e.Time)
	})
	cloud.Functions.Subscribe(func(l lambda.Line) {
		if strings.Contains(l.Text, "AccessDenied") {
			mu.Lock()
			defer mu.Unlock()
			failed = append(failed, l.Time)
		}
	})
	before := cloud.Clock.Now()
	outputs := deploy(t, cloud, nil)
	send(t, cloud, outputs["QueueUrl"], "what time is it")
	eventually(t, "the message is echoed", func() bool { return echoes.count("what time is it") == 1 })
	mu.Lock()
	if at := said[0]; at.Before(before.Add(-time.Second)) || at.After(cloud.Clock.Now()) {
		t.Errorf("the event's time is %v, and by the cloud's clock it came after %v", at, before)
	}
	mu.Unlock()
	echoes.mu.Lock()
	if got := echoes.said[0]["clock"]; got != cloud.Clock.String() {
		t.Errorf("the function's clock is %q, want %q", got, cloud.Clock)
	}
	echoes.mu.Unlock()

	// A function computes no faster: its message stays hidden while it is at work, here for two minutes.
	send(t, cloud, outputs["QueueUrl"], "slow work")
	eventually(t, "the slow message is echoed", func() bool { return echoes.count("slow work") > 0 })
	time.Sleep(time.Second)
	if n := echoes.count("slow work"); n != 1 {
		t.Errorf("it was delivered %d times", n)
	}

	// A failure comes back after its queue's visibility timeout, 30 seconds by this clock.
	cloud.Policies.Revoke(outputs["RoleName"], "events:PutEvents")
	send(t, cloud, outputs["QueueUrl"], "in vain")
	eventually(t, "the message is a dead letter", func() bool { return held(t, cloud, outputs["DeadLettersUrl"]) != "0" })
	mu.Lock()
	defer mu.Unlock()
	if len(failed) < 2 {
		t.Fatalf("failed %d times", len(failed))
	}
	if again := failed[len(failed)-1].Sub(failed[0]); again < 28*time.Second {
		t.Errorf("tried again after %s", again)
	}
}

func TestAtTheMachinesSpeedFunctionsFindNoClock(t *testing.T) {
	cloud := start(t, options(t))
	echoes := listen(cloud)
	outputs := deploy(t, cloud, nil)
	send(t, cloud, outputs["QueueUrl"], "as in AWS")
	eventually(t, "the message is echoed", func() bool { return echoes.count("as in AWS") == 1 })
	echoes.mu.Lock()
	defer echoes.mu.Unlock()
	if got := echoes.said[0]["clock"]; got != "" {
		t.Errorf("the function's clock is %q", got)
	}
}
