package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/ledger/dynamo"
	"headroom/internal/local"
	"headroom/internal/local/endpoint"
	"headroom/internal/local/iam"
	"headroom/internal/pool"
)

// slow is the speed of the cloud's clock: the schedule's minute is longer than the tests, and no alarm is evaluated.
const slow = 0.01

// began is when the deployment of the tests began.
var began = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

// deployed is the template that goes to AWS, deployed into a local cloud. Its functions never hear of a message, so that
// what is in the table and in the queues is what the tests put there.
type deployed struct {
	*local.Cloud
	outputs map[string]string
	ledger  *dynamo.Ledger
	held    chan struct{}
}

// theCloud is started by the first test that wants it, and closed by TestMain.
var theCloud = sync.OnceValues(startCloud)

// closeCloud closes it, if it was started.
var closeCloud = func() {}

func startCloud() (*deployed, error) {
	const modules, assembly, programs = "../../../node_modules", "../../../cdk.out", "../../../dist/native"
	if _, err := os.Stat(filepath.Join(assembly, "headroom-dev.template.json")); err != nil {
		return nil, fmt.Errorf("run make native synth: %w", err)
	}
	ctx := context.Background()
	c, err := local.Start(ctx, local.Options{
		Modules: modules, Speed: slow, Log: slog.New(slog.DiscardHandler),
		Binary: func(name string) (string, error) {
			return filepath.Join(programs, name[strings.LastIndex(name, "-")+1:]), nil
		},
	})
	if err != nil {
		return nil, err
	}
	d := &deployed{Cloud: c, held: make(chan struct{})}
	closeCloud = func() { close(d.held); _ = c.Close() }
	c.Router.Before(func(call endpoint.Call) error {
		if call.Service == "sqs" && call.Operation == "ReceiveMessage" && strings.Contains(call.Principal, "Role") && !strings.Contains(call.Principal, "operator") {
			select {
			case <-d.held:
			case <-call.Request.Context().Done():
			}
			return errors.New("no function hears of a message")
		}
		return nil
	})
	if d.outputs, err = c.Deploy(ctx, assembly, nil); err != nil {
		return nil, err
	}
	d.ledger, err = dynamo.New(dynamo.Config{
		Client: dynamodb.NewFromConfig(c.Config()), Table: d.outputs["TableName"], Rand: awsclient.Jitter, Sleep: awsclient.Sleep,
	})
	if err != nil {
		return nil, err
	}
	return d, errors.Join(d.forecastNothing(ctx), d.furnish(ctx), d.restored(ctx), d.spoil(ctx), d.drain(ctx, "PoolCheckQueueUrl"))
}

// cloud is the deployment that the tests share.
func cloud(t *testing.T) *deployed {
	t.Helper()
	d, err := theCloud()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// furnish puts hosts and tenants into the table, one of each sort.
func (d *deployed) furnish(ctx context.Context) error {
	databases, shares := pool.Key{Kind: pool.Database, Tier: "standard"}, pool.Key{Kind: pool.Share, Tier: "standard"}
	after := func(minutes int) time.Time { return began.Add(time.Duration(minutes) * time.Minute) }
	access := map[pool.Kind]pool.Access{
		pool.Database: {Address: "database-standard-1.abc.eu-west-1.rds.amazonaws.com", Port: 5432},
		pool.Share:    {Address: "share-standard-1.headroom-dev.internal", Gateway: "arn:aws:storagegateway:eu-west-1:123456789012:gateway/sgw-12345678", Machine: "i-0123456789abcdef0", Cache: "vol-0123456789abcdef0"},
	}
	slots := func(kind pool.Kind, n int) []pool.Slot {
		names := []string{"d7f3k2", "q9x1m4", "b5r8t0"}
		states := []pool.SlotState{pool.SlotAssigned, pool.SlotFree, pool.SlotLeaving}
		tenants := []pool.TenantID{"acme", "", "globex"}
		var made []pool.Slot
		for i := range n {
			s := pool.Slot{Index: i + 1, Generation: 1, Name: string(kind[:1]) + names[i], State: states[i], Since: after(30 + i), Tenant: tenants[i]}
			if kind == pool.Share {
				s.Share, s.Bucket = fmt.Sprintf("share-0000000%d", i+1), fmt.Sprintf("headroom-dev-share-standard-1-%d", i+1)
			}
			made = append(made, s)
		}
		return made
	}
	order := func(key pool.Key, minutes int, change func(h *pool.Host)) error {
		seen, err := d.ledger.Pool(ctx, key)
		if err != nil {
			return err
		}
		h := pool.Order(seen, pool.Policy{Kind: key.Kind, Tier: key.Tier, SlotsPerHost: 3}, "headroom-dev-", "k3v9x2m7qa", after(minutes), "floor 1 hosts, there are 0")
		if err := d.ledger.Order(ctx, seen, h); err != nil {
			return err
		}
		stored, err := d.ledger.Host(ctx, h.ID)
		if err != nil {
			return err
		}
		made, outcome := stored.Clone(), pool.Neutral
		change(&made)
		switch made.State {
		case pool.HostInService, pool.HostCordoned:
			outcome = pool.Succeeded
		case pool.HostQuarantined:
			outcome = pool.Failed
		}
		return d.ledger.SaveHost(ctx, stored, made, outcome, after(minutes+20))
	}
	move := func(h *pool.Host, to pool.HostState, minutes int, why string) {
		h.State, h.Since, h.Why, h.Progress = to, after(minutes), why, pool.Progress{}
		h.History = pool.Append(h.History, pool.Entry{At: after(minutes), What: string(to), Why: why})
	}
	for _, key := range []pool.Key{databases, shares} {
		if err := order(key, 0, func(h *pool.Host) {
			move(h, pool.HostInService, 20, "it is ready")
			h.Zone, h.Access, h.Slots = "eu-west-1a", access[key.Kind], slots(key.Kind, 3)
			if key.Kind == pool.Share {
				h.Image = "ami-0f11e5a7e4a7e0001"
			}
		}); err != nil {
			return err
		}
	}
	err := errors.Join(
		order(databases, 40, func(h *pool.Host) {
			move(h, pool.HostQuarantined, 100, "step harden was tried 6 times and was not done by its deadline: connection refused")
			h.Stuck, h.Error, h.Zone = pool.StepHarden, "connection refused", "eu-west-1b"
		}),
		order(shares, 40, func(h *pool.Host) {
			move(h, pool.HostCordoned, 90, "alarm headroom-dev-share-standard-2-availability is on")
			h.Zone, h.Slots = "eu-west-1b", slots(pool.Share, 2)[1:]
			h.Slots = append(h.Slots, pool.Slot{
				Index: 3, Generation: 2, Name: "sw4z6y8", State: pool.SlotQuarantined, Since: after(95), Share: "share-00000004", Bucket: "headroom-dev-share-standard-2-3",
				Doubt: "it may hold somebody's data, and no tenant's secret or share says whose",
			})
			h.Alarms = map[string]pool.AlarmMark{"headroom-dev-share-standard-2-availability": {On: true, At: after(90)}}
		}),
		order(shares, 110, func(h *pool.Host) {
			move(h, pool.HostBuilding, 111, "CloudFormation makes its stack")
			h.Zone = "eu-west-1a"
		}),
	)
	if err != nil {
		return err
	}
	if _, err := d.ledger.SaveRepair(ctx, pool.Repair{}, pool.Repair{
		Host: "share-standard-2", Number: 1, Cause: "alarm headroom-dev-share-standard-2-availability is on", Began: after(92), State: pool.RepairAsking, Way: pool.WayMachine,
		Asked: "way machine: no drill is recorded in the policy of a move", Machine: "i-0fedcba9876543210", Tried: []pool.Try{{Way: pool.WayReboot, At: after(93), Came: "the gateway stayed silent"}},
		History: []pool.Entry{{At: after(92), What: "looking", Why: "alarm availability is on"}, {At: after(99), What: "asking", Why: "reboot did not help"}},
	}); err != nil {
		return err
	}
	return d.people(ctx, after)
}

// people puts tenants into the table: one that is ready, one that leaves, one that waits and one that is stuck.
func (d *deployed) people(ctx context.Context, after func(int) time.Time) error {
	sign := func(id pool.TenantID, minutes int, address string, change func(t *pool.Tenant)) (pool.Tenant, error) {
		asked := pool.Tenant{
			ID: id, Tier: "standard", Mark: "m4rk" + string(id), Addresses: []string{address}, State: pool.TenantRequested, RequestedAt: after(minutes),
			History: []pool.Entry{{At: after(minutes), What: "requested", Why: "signup"}},
		}
		stored, _, err := d.ledger.Request(ctx, asked)
		if err != nil {
			return stored, err
		}
		made := stored.Clone()
		change(&made)
		return d.ledger.SaveTenant(ctx, stored, made)
	}
	ready := func(slot int, minutes int) func(t *pool.Tenant) {
		return func(t *pool.Tenant) {
			t.State, t.ReadyAt = pool.TenantReady, after(minutes).Add(1200*time.Millisecond)
			t.Database = pool.Holding{Host: "database-standard-1", Index: slot, Generation: 1, Name: "dd7f3k2", Address: "database-standard-1.abc.eu-west-1.rds.amazonaws.com", Port: 5432}
			t.Share = pool.Holding{Host: "share-standard-1", Index: slot, Generation: 1, Name: "sd7f3k2", Address: "share-standard-1.headroom-dev.internal"}
			t.Secret = "headroom/dev/tenant/" + string(t.ID)
			t.History = pool.Append(t.History, pool.Entry{At: t.ReadyAt, What: "ready", Why: "its database and share are open"})
		}
	}
	if _, err := sign("acme", 30, "10.40.1.7", ready(1, 30)); err != nil {
		return err
	}
	globex, err := sign("globex", 31, "10.40.1.8", ready(3, 31))
	if err != nil {
		return err
	}
	tombstone, departure, err := pool.Leave(globex, pool.Departure{
		Reason: "its contract ended", RequestedBy: "billing", Message: "m-1", RequestedAt: after(60), Grace: 72 * time.Hour,
	}, pool.DefaultTerms, after(60))
	if err != nil {
		return err
	}
	departure.Progress = pool.Progress{Step: pool.StepGrace, Due: time.Date(2036, 1, 1, 0, 0, 0, 0, time.UTC)}
	departure.Archive = pool.Archive{Bucket: "headroom-archive", Key: "globex.m4rkglobex/1.zip"}
	departure.Proofs = []pool.Proof{{Step: pool.StepShut, At: after(61), What: "its login, its sessions and its clients are shut out"}}
	if err := d.ledger.Depart(ctx, globex, tombstone, departure); err != nil {
		return err
	}
	if err := errors.Join(
		d.ledger.Audit(ctx, pool.Audit{At: time.Now().AddDate(0, 0, -90), Message: "m-1", Who: "AROAEXAMPLE:jo", Named: "billing", What: "DecommissionRequested", Of: "globex", With: "grace 48h", Why: "its contract ended"}),
		d.ledger.Audit(ctx, pool.Audit{At: time.Now().AddDate(0, 0, -80), Message: "globex.m4rkglobex/share", What: "destroyed share", Of: "share-00000003", Why: "step withdraw"}),
	); err != nil {
		return err
	}
	seq, err := d.ledger.Draw(ctx, "standard", "initech", false)
	if err != nil {
		return err
	}
	if _, err := sign("initech", 120, "10.40.1.9", func(t *pool.Tenant) {
		t.State, t.Seq = pool.TenantWaiting, seq
		t.History = pool.Append(t.History, pool.Entry{At: after(120), What: "waiting", Why: "the shelf has no database and share to give"})
	}); err != nil {
		return err
	}
	_, err = sign("hooli", 50, "10.40.1.10", func(t *pool.Tenant) {
		t.Progress = pool.Progress{Stuck: pool.StepOpen, Error: "connect to database-standard-2: connection refused"}
		t.History = pool.Append(t.History, pool.Entry{At: after(80), What: "given up", Why: "step open was tried 6 times"})
	})
	return err
}

// spoil puts a message into the dead letters that signup refused, as it does that.
func (d *deployed) spoil(ctx context.Context) error {
	url := d.outputs["SignupDlqUrl"]
	keys, err := d.assume(ctx, "signup", "headroom-dev-signup", map[string]iam.Document{
		"keep": {Statements: []iam.Statement{{Allow: true, Actions: []string{"sqs:SendMessage"}, Resources: []string{"*"}}}},
	})
	if err != nil {
		return err
	}
	config := d.Config()
	config.Credentials = credentials.NewStaticCredentialsProvider(*keys.AccessKeyId, *keys.SecretAccessKey, *keys.SessionToken)
	client := sqs.NewFromConfig(config)
	text := func(s string) types.MessageAttributeValue {
		return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &s}
	}
	_, err = client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: &url, MessageBody: aws.String(`{"version":"1","tenantId":"umbrella","tier":"Gold","instanceIp":"10.40.1.300"}`),
		MessageAttributes: map[string]types.MessageAttributeValue{
			"field": text("tier"), "reason": text("is malformed: want ^[a-z0-9]{1,20}$"), "firstId": text("7d1f0b8e-3b7d-4c2e-9a65-5e0c8a1f4c23"), "sender": text("AROAEXAMPLE:billing"),
		},
	})
	return err
}

// forecastNothing has pools planned by fixed buffers: what a forecast wants of hosts that were ordered long ago changes by
// the minute.
func (d *deployed) forecastNothing(ctx context.Context) error {
	client, name := ssm.NewFromConfig(d.Config()), d.outputs["PolicyParameterName"]
	stands, err := client.GetParameter(ctx, &ssm.GetParameterInput{Name: &name})
	if err != nil {
		return err
	}
	text := regexp.MustCompile(`"serveAtOnce":[0-9.]+`).ReplaceAllString(*stands.Parameter.Value, `"serveAtOnce":0`)
	_, err = client.PutParameter(ctx, &ssm.PutParameterInput{Name: &name, Value: &text, Overwrite: aws.Bool(true)})
	return err
}

// drain takes the schedule's first message out of a queue; the next is more than an hour away.
func (d *deployed) drain(ctx context.Context, output string) error {
	client, url := sqs.NewFromConfig(d.Config()), d.outputs[output]
	out, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &url, WaitTimeSeconds: 20})
	if err != nil || len(out.Messages) == 0 {
		return err
	}
	_, err = client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: out.Messages[0].ReceiptHandle})
	return err
}

// sentTo takes what was sent to a queue, by the output with its URL, and forgets it.
func (d *deployed) sentTo(t *testing.T, output string) []map[string]any {
	t.Helper()
	client, url := sqs.NewFromConfig(d.Config()), d.outputs[output]
	var bodies []map[string]any
	for {
		out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Messages) == 0 {
			return bodies
		}
		for _, m := range out.Messages {
			var body map[string]any
			if err := json.Unmarshal([]byte(*m.Body), &body); err != nil {
				t.Fatalf("%s: %v", *m.Body, err)
			}
			bodies = append(bodies, body)
			if _, err := client.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle}); err != nil {
				t.Fatal(err)
			}
		}
	}
}
