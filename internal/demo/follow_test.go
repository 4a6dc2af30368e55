package demo

import (
	"bufio"
	"context"
	"io"
	"strings"
	"testing"
)

func TestOneWhoFollowsHearsOfEventsAndOnceOfARefusedPolicy(t *testing.T) {
	cloud := newFakeCloud(t, "")
	ctx, end := context.WithCancel(t.Context())
	printed, out := io.Pipe()
	subscribed := make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- Follow(ctx, &announcing{cloud, subscribed}, NewPrinter(out))
	}()
	<-subscribed
	for range 2 {
		for _, line := range logOfARefusal(t) {
			cloud.log(line)
		}
	}
	cloud.ready(t, "acme")
	lines := bufio.NewScanner(printed)
	for _, want := range []string{"version 2 of the policy is refused", "acme has its storage"} {
		if !lines.Scan() || !strings.Contains(lines.Text(), want) {
			t.Errorf("it prints %q, want %q", lines.Text(), want)
		}
	}
	end()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// announcing closes a channel when the logs are subscribed to, which comes last.
type announcing struct {
	*fakeCloud
	subscribed chan struct{}
}

func (a *announcing) SubscribeLogs(f func(string)) {
	a.fakeCloud.SubscribeLogs(f)
	close(a.subscribed)
}
