package demo

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"headroom/events"
	"headroom/internal/adapter/awsclient"
	"headroom/internal/pool"
)

// Tenant is a customer that signed up, as an onlooker sees it.
type Tenant struct {
	ID       string
	Instance string        // the address of its application server
	Waited   int           // its place on the waiting list, if it had to wait; else 0
	Took     time.Duration // from its message to StorageReady
	Ready    events.StorageReady

	waiting     events.StorageWaiting // what it was told, if it had to wait
	toldAt      time.Time             // when, and when that its storage is ready, by the cloud's clock
	readyAt     time.Time
	credentials events.Credentials
	sent        time.Time
	nth         int // of those who signed up, from 0
}

// Crowd signs tenants up and listens for what becomes of them.
type Crowd struct {
	cloud Cloud
	tier  string

	mu       sync.Mutex
	tenants  map[string]*Tenant
	hosts    map[string]host // by ID
	asked    map[string]bool // of whom something was asked since they signed up
	ways     map[string][]json.RawMessage
	rejected error    // the signup of one of the tenants was turned away, or what was asked of it
	news     []string // what happened to hosts and tenants, and refused policies, in words
	told     int      // of the news
	changed  chan struct{}
}

// host is what is known of one from its events.
type host struct {
	kind    string
	tier    string
	ordered time.Time
	reason  string // of its order
	slots   int    // 0 until it is in service
}

// NewCrowd listens on the project's bus.
func NewCrowd(cloud Cloud, tier string) (*Crowd, error) {
	c := &Crowd{
		cloud: cloud, tier: tier, changed: make(chan struct{}, 1),
		tenants: map[string]*Tenant{}, hosts: map[string]host{}, asked: map[string]bool{}, ways: map[string][]json.RawMessage{},
	}
	bus, err := cloud.Output("BusName")
	if err != nil {
		return nil, fmt.Errorf("find the event bus: %w", err)
	}
	cloud.Subscribe(bus, c.hear)
	cloud.SubscribeLogs(c.read)
	return c, nil
}

// SignUp sends a signup as a customer's side would: one message on the signup queue.
func (c *Crowd) SignUp(ctx context.Context, id, instance string) error {
	c.mu.Lock()
	if c.tenants[id] == nil {
		c.tenants[id] = &Tenant{ID: id, Instance: instance, sent: time.Now(), nth: len(c.tenants)}
	}
	c.mu.Unlock()
	return c.send(ctx, "SignupQueueUrl", events.SignupRequested{Version: events.Version, TenantID: id, Tier: c.tier, InstanceIP: instance})
}

// send sends a message to the queue whose URL is an output of the stack.
func (c *Crowd) send(ctx context.Context, output string, message any) error {
	url, err := c.cloud.Output(output)
	if err != nil {
		return fmt.Errorf("find the queue: %w", err)
	}
	body, err := json.Marshal(message)
	if err != nil {
		return fmt.Errorf("word a message: %w", err)
	}
	_, err = sqs.NewFromConfig(c.cloud.AWS()).SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String(string(body))})
	if err != nil {
		return fmt.Errorf("send %s to %s: %w", body, url, err)
	}
	return nil
}

// hear takes in one event of the bus, and when it was sent.
func (c *Crowd) hear(detailType string, detail json.RawMessage, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	line := words(detailType, detail)
	switch detailType {
	case events.StorageReady{}.DetailType():
		line = ""
		var e events.StorageReady
		if json.Unmarshal(detail, &e) == nil {
			if t := c.tenants[e.TenantID]; t != nil && t.Took == 0 {
				t.Ready, t.Took, t.readyAt = e, time.Since(t.sent), at
			}
		}
	case events.StorageWaiting{}.DetailType():
		line = ""
		var e events.StorageWaiting
		if json.Unmarshal(detail, &e) == nil {
			if t := c.tenants[e.TenantID]; t != nil && t.Waited == 0 {
				t.Waited, t.waiting, t.toldAt = e.Position, e, at
			}
		}
	case events.SignupRejected{}.DetailType():
		var e events.SignupRejected
		if json.Unmarshal(detail, &e) == nil && c.tenants[e.TenantID] != nil {
			c.rejected = errors.New(rejected(e))
		}
	case events.HostOrdered{}.DetailType():
		var e events.HostOrdered
		if json.Unmarshal(detail, &e) == nil {
			known := c.hosts[e.HostID]
			known.kind, known.tier, known.ordered, known.reason = e.Kind, e.Tier, e.OrderedAt.Time, e.Reason
			c.hosts[e.HostID] = known
		}
	case events.HostInService{}.DetailType():
		var e events.HostInService
		if json.Unmarshal(detail, &e) == nil {
			known := c.hosts[e.HostID]
			known.kind, known.tier, known.slots = e.Kind, e.Tier, e.Slots
			c.hosts[e.HostID] = known
		}
		c.onItsWay(detailType, detail)
	case events.RequestRejected{}.DetailType():
		var e events.RequestRejected
		if json.Unmarshal(detail, &e) == nil && c.asked[e.TenantID] {
			c.rejected = errors.New(line)
		}
	default:
		c.onItsWay(detailType, detail)
	}
	c.note(line)
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// read takes in one line of a function's log.
func (c *Crowd) read(line string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.note(refusedPolicy(line))
	c.note(stepWords(line))
}

// note adds news once, however often they are delivered.
func (c *Crowd) note(line string) {
	if line != "" && !slices.Contains(c.news, line) {
		c.news = append(c.news, line)
	}
}

// Served is how many tenants are ready.
func (c *Crowd) Served() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, t := range c.tenants {
		if t.Took > 0 {
			n++
		}
	}
	return n
}

// answered is how many tenants have heard something: that they are ready, or that they wait.
func (c *Crowd) answered() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, t := range c.tenants {
		if t.Took > 0 || t.Waited > 0 {
			n++
		}
	}
	return n
}

// Ready reports whether a tenant is.
func (c *Crowd) Ready(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tenants[id] != nil && c.tenants[id].Took > 0
}

// InService reports whether a host of each kind has been in service in the tier.
func (c *Crowd) InService() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	kinds := map[string]bool{}
	for _, h := range c.hosts {
		kinds[h.kind] = kinds[h.kind] || h.slots > 0 && h.tier == c.tier
	}
	for _, kind := range pool.Kinds {
		if !kinds[string(kind)] {
			return false
		}
	}
	return true
}

// News is what happened to hosts and tenants so far, and which policies were refused, in words.
func (c *Crowd) News() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.news)
}

// Tell prints the news that it has not printed yet.
func (c *Crowd) Tell(p *Printer) {
	c.mu.Lock()
	untold := slices.Clone(c.news[c.told:])
	c.told = len(c.news)
	c.mu.Unlock()
	for _, line := range untold {
		p.Line(line)
	}
}

// Tenants are the tenants that are ready, in the order in which they signed up, with their credentials as
// their own application servers would read them.
func (c *Crowd) Tenants(ctx context.Context) (ready []Tenant, err error) {
	c.mu.Lock()
	for _, t := range c.tenants {
		if t.Took > 0 {
			ready = append(ready, *t)
		}
	}
	c.mu.Unlock()
	slices.SortFunc(ready, func(a, b Tenant) int { return cmp.Compare(a.nth, b.nth) })
	for i := range ready {
		if ready[i], err = c.withCredentials(ctx, ready[i]); err != nil {
			return nil, err
		}
	}
	return ready, nil
}

// Tenant is one of the tenants that are ready.
func (c *Crowd) Tenant(ctx context.Context, id string) (Tenant, error) {
	c.mu.Lock()
	t := *c.tenants[id]
	c.mu.Unlock()
	return c.withCredentials(ctx, t)
}

func (c *Crowd) withCredentials(ctx context.Context, t Tenant) (_ Tenant, err error) {
	if t.credentials, err = readSecret(ctx, secretsmanager.NewFromConfig(c.cloud.AWS()), t.Ready.Database.SecretARN); err != nil {
		return t, fmt.Errorf("read the credentials of %s: %w", t.ID, err)
	}
	return t, nil
}

// readSecret reads a tenant's secret. Secrets Manager is eventually consistent: a new secret may take a
// moment to be seen.
func readSecret(ctx context.Context, vault *secretsmanager.Client, arn string) (c events.Credentials, err error) {
	var secret *secretsmanager.GetSecretValueOutput
	for range 20 {
		secret, err = vault.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &arn})
		if !awsclient.IsNotFound(err) {
			break
		}
		if err := awsclient.Sleep(ctx, 100*time.Millisecond); err != nil {
			return c, err
		}
	}
	if err != nil {
		return c, err
	}
	err = json.Unmarshal([]byte(aws.ToString(secret.SecretString)), &c)
	return c, err
}

// Await waits until done says so, looking whenever something happened; progress is told each time. The
// error says that a signup was turned away meanwhile, or what was waited for in vain for so long.
func (c *Crowd) Await(ctx context.Context, what string, atMost time.Duration, done func() bool, progress func()) error {
	ctx, cancel := context.WithTimeoutCause(ctx, atMost, fmt.Errorf("it has not happened in %s", inWords(atMost)))
	defer cancel()
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-c.changed:
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait until %s: %w", what, context.Cause(ctx))
		}
		progress()
		c.mu.Lock()
		err := c.rejected
		c.mu.Unlock()
		if err != nil {
			return fmt.Errorf("wait until %s: %w", what, err)
		}
	}
	return nil
}
