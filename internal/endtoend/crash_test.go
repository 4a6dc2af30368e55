package endtoend

import (
	"fmt"
	"testing"

	"headroom/internal/local"
	"headroom/internal/pool"
)

// byTheClock has what fails come back when it does in AWS.
func byTheClock(o *local.Options) { o.Speed, o.RetryDelay = 20, 0 }

// A database server that dies is restarted by RDS. Who signs up meanwhile is served, as all who signed up before.
func TestSignupsOutliveACrashOfTheirDatabaseServer(t *testing.T) {
	t.Parallel()
	s := start(t, policies(pool.Policy{SlotsPerHost: 10}, pool.Policy{SlotsPerHost: 10}), byTheClock)
	s.awaitInService(t, 1, 1)
	s.signUp(t, "before", "127.30.2.1")
	s.awaitReady(t, "before")

	host := "headroom-" + stage + "-" + string(pool.Key{Kind: pool.Database, Tier: tier}.Host(1))
	mark := s.mark()
	must(t, s.Databases.Fail(host))
	tenants := []string{"before"}
	for i := range 5 {
		tenants = append(tenants, fmt.Sprintf("during-%d", i))
		s.signUp(t, tenants[len(tenants)-1], fmt.Sprintf("127.30.2.%d", i+2))
	}
	s.awaitLog(t, mark, "signup", "signup failed, and is tried again")
	must(t, s.Databases.Recover(host))
	s.awaitReady(t, tenants...)
	s.proves(t)
}
