package endtoend

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"headroom/internal/local"
	"headroom/internal/pool"
)

// TestADatabaseHostFailsOverAndRunsFull has the standby of an instance take over, which is noted and told although it is over in a
// moment; then it runs out of storage: it takes no more tenants until somebody gives it some. That it has more databases than RDS
// advises is noted.
func TestADatabaseHostFailsOverAndRunsFull(t *testing.T) {
	t.Parallel()
	s := start(t, policies(pool.Policy{SlotsPerHost: 3}, pool.Policy{SlotsPerHost: 3}), func(o *local.Options) {
		o.Speed, o.DatabasesAdvised = 20, 3 // less than a host has with its slots
	})
	s.awaitInService(t, 1, 1)
	s.signUp(t, "acme", "127.30.62.1")
	s.awaitReady(t, "acme")
	const id = pool.HostID("database-standard-1")
	name, client := stackOf(id), rds.NewFromConfig(s.AWS())
	change := func(in rds.ModifyDBInstanceInput) {
		t.Helper()
		in.DBInstanceIdentifier, in.ApplyImmediately = &name, aws.Bool(true)
		s.await(t, "the instance can be changed", func() bool { // it may be backed up, or be taking a change of its stack's
			_, err := client.ModifyDBInstance(t.Context(), &in)
			if busy := new(types.InvalidDBInstanceStateFault); errors.As(err, &busy) {
				return false
			}
			must(t, err)
			return true
		})
	}
	notified := s.subscribe(t, "failover")
	var told []string
	said := func(words ...string) (times int) {
		for _, m := range notified() {
			if !slices.Contains(told, m) { // what was read comes again after a while
				told = append(told, m)
			}
		}
		for _, m := range told {
			if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(m, word) }) {
				times++
			}
		}
		return times
	}

	change(rds.ModifyDBInstanceInput{MultiAZ: aws.Bool(true)})
	s.await(t, "the instance has a standby", func() bool { return s.Databases.Failover(name) == nil })
	s.await(t, "it stands in the host's history", func() bool {
		return slices.ContainsFunc(s.host(t, id).History, func(e pool.Entry) bool { return strings.Contains(e.Why, "failover completed") })
	})
	s.await(t, "people are told", func() bool { return said("RDS says of host "+string(id), "failover completed") > 0 })
	s.await(t, "it takes tenants", func() bool { return s.host(t, id).State == pool.HostInService })

	s.await(t, "that it has more databases than is advised stands there, too", func() bool {
		return slices.ContainsFunc(s.host(t, id).History, func(e pool.Entry) bool { return e.What == "RDS-EVENT-0056" })
	})

	s.await(t, "it runs full", func() bool { return s.Databases.FillStorage(name) == nil })
	s.await(t, "it takes none while it is full", func() bool { return s.host(t, id).State == pool.HostCordoned })
	s.await(t, "people are told of that", func() bool { return said(string(id), "storage-full") > 0 })
	change(rds.ModifyDBInstanceInput{AllocatedStorage: aws.Int32(400)})
	s.awaitFor(t, 2*patience, "it takes tenants again", func() bool { return s.host(t, id).State == pool.HostInService })
	s.signUp(t, "globex", "127.30.62.2")
	s.awaitReady(t, "globex")
	if n := said("RDS says of host "+string(id), "failover completed"); n != 1 {
		t.Errorf("that it has failed over was told %d times: %q", n, told)
	}
}
