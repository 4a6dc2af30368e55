package endtoend

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"

	"headroom/events"
	"headroom/internal/demo"
	"headroom/internal/local"
	"headroom/internal/pool"
)

// What RDS and ECS take in this cloud to make an instance of what another was, and to start a task, by its own clock. AWS's
// take longer; what is Headroom's own does not depend on them.
const (
	restoreLead = 5 * time.Minute
	taskLead    = time.Minute
)

// BenchmarkGoingBack is for how long a tenant waits for its database as it was, by how much it has, in seconds of the cloud's
// clock: from its request until it is told that it is back; how much of that is not RDS's and ECS's lead times; what each step
// took; and for how long it was let in nowhere. What the machine works (a server, a process, a copy) takes benchSpeed times as
// long by that clock: BenchmarkRestore has that, on bare servers.
func BenchmarkGoingBack(b *testing.B) {
	terms := leavers
	ps := policies(pool.Policy{SlotsPerHost: 2}, pool.Policy{SlotsPerHost: 2})
	s := startWith(b, document{Version: "1", Pools: ps, Terms: &terms}, func(o *local.Options) {
		o.Speed, o.ShipEvery = benchSpeed, time.Minute
		o.LeadTimes = local.LeadTimes{Database: restoreLead / benchSpeed, Task: taskLead / benchSpeed}
	})
	s.awaitInService(b, 1, 1)
	s.signUp(b, backer, backFrom)
	credentials := s.secret(b, s.awaitReady(b, backer)[backer].Database.SecretARN)
	execute := func(sql string) {
		b.Helper()
		conn, err := demo.Connect(b.Context(), s.Deployment, credentials)
		must(b, err)
		defer conn.Close(context.Background())
		_, err = conn.Exec(b.Context(), sql)
		must(b, err)
	}
	latest := func() time.Time {
		out, err := rds.NewFromConfig(s.AWS()).DescribeDBInstances(b.Context(), &rds.DescribeDBInstancesInput{DBInstanceIdentifier: aws.String(stackOf("database-standard-1"))})
		must(b, err)
		return aws.ToTime(out.DBInstances[0].LatestRestorableTime)
	}
	for _, megabytes := range []int{10, 100} {
		b.Run(fmt.Sprintf("%d MB", megabytes), func(b *testing.B) {
			var took, refused time.Duration
			steps := map[pool.Step]time.Duration{}
			for range b.N {
				// Some 115 bytes a row, as the server has them.
				execute(fmt.Sprintf("DROP TABLE IF EXISTS app.books; CREATE TABLE app.books AS SELECT n AS id, md5(n::text) || md5((-n)::text) AS what FROM generate_series(1, %d) n", megabytes*1_000_000/115))
				to := s.Clock.Now().Add(time.Second)
				s.awaitFor(b, mendPatience, "its time can be gone back to", func() bool { return latest().After(to) })
				before := len(heard[events.TenantRestored](s.watch))
				began := time.Now()
				s.send(b, "RestoreQueueUrl", fmt.Sprintf(`{"version":"1","type":"RestoreRequest","tenantId":%q,"database":true,"to":%q,"reason":"it is measured","requestedBy":"ops"}`,
					backer, to.UTC().Format(time.RFC3339Nano)))
				var said []events.TenantRestored
				s.awaitFor(b, mendPatience, "it is restored", func() bool { said = heard[events.TenantRestored](s.watch); return len(said) > before })
				took += time.Duration(float64(time.Since(began)) * benchSpeed)
				refused += time.Duration(said[before].RefusedSeconds) * time.Second
				var r pool.Restoration
				s.awaitFor(b, mendPatience, "it is over", func() (over bool) {
					r, _ = s.ledger.Restoration(b.Context(), backer)
					return r.State == pool.RestorationRestored
				})
				at := r.RequestedAt
				for _, proof := range r.Proofs {
					steps[proof.Step] += proof.At.Sub(at)
					at = proof.At
				}
			}
			seconds := took.Seconds() / float64(b.N)
			b.ReportMetric(seconds, "waited-s")
			b.ReportMetric(seconds-(restoreLead+taskLead).Seconds(), "ours-s")
			for step, took := range steps {
				b.ReportMetric(took.Seconds()/float64(b.N), string(step)+"-s")
			}
			b.ReportMetric(refused.Seconds()/float64(b.N), "refused-s") // at most
			b.ReportMetric(0, "ns/op")                                  // which is by the machine's clock
		})
	}
}
