package endtoend

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"headroom/events"
	"headroom/internal/adapter/awsclient"
	"headroom/internal/demo"
	"headroom/internal/ledger/dynamo"
	"headroom/internal/local"
	"headroom/internal/local/endpoint"
	"headroom/internal/pool"
)

const (
	stage = "dev" // what `make synth` synthesizes
	tier  = pool.Tier("standard")

	modules  = "../../node_modules"
	assembly = "../../cdk.out"
	programs = "../../dist/native"

	// patience bounds every wait for something that takes a second or two.
	patience = time.Minute
)

// functions are Headroom's, by the last part of their names.
var functions = []string{"signup", "poolcheck", "stackcomplete", "rdsalarm", "gatewayalarm", "decommission", "instancechange", "hostrepair"}

// system is Headroom at work.
type system struct {
	demo.Deployment
	*watch
	crowd  *demo.Crowd
	ledger *dynamo.Ledger
	table  string
}

// start deploys Headroom into a cloud of its own, with the policies in force from the beginning.
func start(tb testing.TB, ps pool.Policies, changes ...func(*local.Options)) *system {
	tb.Helper()
	terms := pool.DefaultTerms
	terms.Steady = pool.Term(5 * time.Second)
	return startWith(tb, document{Version: "1", Pools: ps, Terms: &terms}, changes...)
}

// document is a policy document.
type document struct {
	Version string        `json:"version"`
	Pools   pool.Policies `json:"pools"`
	Terms   *pool.Terms   `json:"terms,omitempty"`
	Drills  []pool.Drill  `json:"drills,omitempty"`
}

// startWith is start with a whole policy document.
func startWith(tb testing.TB, policy document, changes ...func(*local.Options)) *system {
	tb.Helper()
	requireBuilt(tb)
	o := local.Options{
		Modules:    modules,
		Binary:     func(name string) (string, error) { return filepath.Join(programs, shortName(name)), nil },
		Speed:      5, // the schedule's minute is twelve seconds: what a slow machine takes is no reason for a deadline
		RetryDelay: 100 * time.Millisecond,
		Seed:       1,
		Log:        slog.New(slog.NewTextHandler(tb.Output(), &slog.HandlerOptions{Level: slog.LevelError})),
	}
	for _, change := range changes {
		change(&o)
	}
	host, err := local.Start(tb.Context(), o)
	must(tb, err)
	s := &system{watch: newWatch(host)}
	tb.Cleanup(func() {
		if tb.Failed() {
			s.dump(tb)
		}
		if err := host.Close(); err != nil {
			tb.Errorf("close the local cloud: %v", err)
		}
	})
	// No function reads other policies than these, however soon the schedule runs.
	set := make(chan struct{})
	defer close(set)
	host.Router.Before(func(c endpoint.Call) error {
		if _, ok := functionOf(c); ok && c.Service == "ssm" {
			<-set
		}
		return nil
	})
	s.Deployment, err = demo.Deploy(tb.Context(), host, assembly)
	must(tb, err)
	s.setPolicyDocument(tb, policy)
	s.crowd, err = demo.NewCrowd(s.Deployment, string(tier))
	must(tb, err)
	s.table = s.output(tb, "TableName")
	s.ledger, err = dynamo.New(dynamo.Config{
		Client: dynamodb.NewFromConfig(s.AWS()), Table: s.table, Rand: awsclient.Jitter, Sleep: awsclient.Sleep,
	})
	must(tb, err)
	s.checkPools(tb)
	return s
}

// requireBuilt wants what the tests run.
func requireBuilt(tb testing.TB) {
	tb.Helper()
	needed := []string{filepath.Join(assembly, "headroom-"+stage+".template.json")}
	for _, f := range functions {
		needed = append(needed, filepath.Join(programs, f, "bootstrap"))
	}
	for _, path := range needed {
		if _, err := os.Stat(path); err != nil {
			tb.Fatalf("%s is missing: run make native synth", filepath.Clean(path))
		}
	}
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// shortName is the last part of a function's name.
func shortName(function string) string { return function[strings.LastIndex(function, "-")+1:] }

// longName is a function's physical name.
func longName(function string) string { return "headroom-" + stage + "-" + function }

func (s *system) output(tb testing.TB, name string) string {
	tb.Helper()
	value, err := s.Output(name)
	must(tb, err)
	return value
}

// policies are those of the one tier. What is not said is small.
func policies(database, share pool.Policy) pool.Policies {
	database.Kind, share.Kind = pool.Database, pool.Share
	ps := pool.Policies{database, share}
	for i := range ps {
		p := &ps[i]
		p.Tier = tier
		p.Floor, p.Ceiling, p.MaxOrders = max(p.Floor, 1), max(p.Ceiling, 1), max(p.MaxOrders, 2)
		if p.Placement == "" {
			p.Placement = pool.Pack
		}
	}
	return ps
}

func (s *system) setPolicies(tb testing.TB, ps pool.Policies) {
	tb.Helper()
	s.setPolicyDocument(tb, document{Version: "1", Pools: ps})
}

// setPolicyDocument does what an operator does to change the policies.
func (s *system) setPolicyDocument(tb testing.TB, document any) {
	tb.Helper()
	text, err := json.Marshal(document)
	must(tb, err)
	_, err = ssm.NewFromConfig(s.AWS()).PutParameter(tb.Context(), &ssm.PutParameterInput{
		Name: aws.String(s.output(tb, "PolicyParameterName")), Value: aws.String(string(text)), Overwrite: aws.Bool(true),
	})
	must(tb, err)
}

// checkPools asks for a pool check.
func (s *system) checkPools(tb testing.TB) {
	tb.Helper()
	text, err := json.Marshal(events.NewPoolCheck("test"))
	must(tb, err)
	s.send(tb, "PoolCheckQueueUrl", string(text))
}

// signUp signs a tenant up, as its customer's side would.
func (s *system) signUp(tb testing.TB, id, instance string) {
	tb.Helper()
	must(tb, s.crowd.SignUp(tb.Context(), id, instance))
}

// send sends a message to the queue whose URL is an output of the stack.
func (s *system) send(tb testing.TB, output, body string) {
	tb.Helper()
	s.sendTo(tb, s.output(tb, output), body)
}

func (s *system) sendTo(tb testing.TB, url, body string) {
	tb.Helper()
	_, err := sqs.NewFromConfig(s.AWS()).SendMessage(tb.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body})
	must(tb, err)
}

// awaitInService waits until hosts are in service: at least so many of each kind, ever.
func (s *system) awaitInService(tb testing.TB, databases, shares int) {
	tb.Helper()
	s.await(tb, "hosts are in service", func() bool {
		there := map[string]map[string]bool{string(pool.Database): {}, string(pool.Share): {}}
		for _, e := range heard[events.HostInService](s.watch) {
			there[e.Kind][e.HostID] = true
		}
		return len(there[string(pool.Database)]) >= databases && len(there[string(pool.Share)]) >= shares
	})
}

// awaitReady waits until tenants are ready and gives what they were told first.
func (s *system) awaitReady(tb testing.TB, tenants ...string) map[string]events.StorageReady {
	tb.Helper()
	var ready map[string]events.StorageReady
	s.await(tb, strings.Join(tenants, ", ")+" are ready", func() bool {
		ready = firstOf(s.watch, func(e events.StorageReady) string { return e.TenantID })
		for _, id := range tenants {
			if _, ok := ready[id]; !ok {
				return false
			}
		}
		return true
	})
	return ready
}
