package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"headroom/events"
	"headroom/internal/cloud"
)

// Tenant is a customer that signed up, as an onlooker sees it.
type Tenant struct {
	ID       string
	Instance string        // the address of its application server
	Waited   int           // its place on the waiting list, if it had to wait; else 0
	Took     time.Duration // from its message to StorageReady
	Ready    events.StorageReady

	credentials events.Credentials
	sent        time.Time
}

// Crowd signs tenants up and listens for what becomes of them.
type Crowd struct {
	cloud Cloud
	tier  string

	mu      sync.Mutex
	tenants map[string]*Tenant
	news    []string // what happened to hosts, in words
	changed chan struct{}
}

// NewCrowd listens on the project's bus.
func NewCrowd(cloud Cloud, tier string) (*Crowd, error) {
	c := &Crowd{cloud: cloud, tier: tier, tenants: map[string]*Tenant{}, changed: make(chan struct{}, 1)}
	bus, err := cloud.Output("BusName")
	if err != nil {
		return nil, fmt.Errorf("find the event bus: %w", err)
	}
	cloud.Subscribe(bus, c.hear)
	return c, nil
}

// SignUp sends a signup as a customer's side would: one message on the signup queue.
func (c *Crowd) SignUp(ctx context.Context, id, instance string) error {
	url, err := c.cloud.Output("SignupQueueUrl")
	if err != nil {
		return fmt.Errorf("find the signup queue: %w", err)
	}
	body, err := json.Marshal(events.SignupRequested{Version: events.Version, TenantID: id, Tier: c.tier, InstanceIP: instance})
	if err != nil {
		return fmt.Errorf("word the signup of %s: %w", id, err)
	}
	c.mu.Lock()
	if c.tenants[id] == nil {
		c.tenants[id] = &Tenant{ID: id, Instance: instance, sent: time.Now()}
	}
	c.mu.Unlock()
	_, err = sqs.NewFromConfig(c.cloud.AWS()).SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String(string(body))})
	if err != nil {
		return fmt.Errorf("send the signup of %s: %w", id, err)
	}
	return nil
}

// hear takes in one event of the bus.
func (c *Crowd) hear(detailType string, detail json.RawMessage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch detailType {
	case events.StorageReady{}.DetailType():
		var e events.StorageReady
		if json.Unmarshal(detail, &e) == nil {
			if t := c.tenants[e.TenantID]; t != nil && t.Took == 0 {
				t.Ready, t.Took = e, time.Since(t.sent)
			}
		}
	case events.StorageWaiting{}.DetailType():
		var e events.StorageWaiting
		if json.Unmarshal(detail, &e) == nil {
			if t := c.tenants[e.TenantID]; t != nil && t.Waited == 0 {
				t.Waited = e.Position
			}
		}
	case events.HostOrdered{}.DetailType():
		var e events.HostOrdered
		if json.Unmarshal(detail, &e) == nil {
			c.note(fmt.Sprintf("%s ordered with %d tenants served: %s", e.HostID, c.served(), e.Reason))
		}
	case events.HostInService{}.DetailType():
		var e events.HostInService
		if json.Unmarshal(detail, &e) == nil {
			c.note(fmt.Sprintf("%s in service with %d slots, %d s after its order", e.HostID, e.Slots, e.LeadTimeSeconds))
		}
	default:
		c.note(fmt.Sprintf("%s %s", detailType, detail))
	}
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// note adds news once, however often they are delivered.
func (c *Crowd) note(line string) {
	if !slices.Contains(c.news, line) {
		c.news = append(c.news, line)
	}
}

func (c *Crowd) served() int {
	n := 0
	for _, t := range c.tenants {
		if t.Took > 0 {
			n++
		}
	}
	return n
}

// Served is how many tenants are ready.
func (c *Crowd) Served() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.served()
}

// News is what happened to hosts so far, in words.
func (c *Crowd) News() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.news)
}

// Tenants are the tenants that are ready, in order of their names, with their credentials as their
// own application servers would read them.
func (c *Crowd) Tenants(ctx context.Context) (ready []Tenant, err error) {
	c.mu.Lock()
	for _, t := range c.tenants {
		if t.Took > 0 {
			ready = append(ready, *t)
		}
	}
	c.mu.Unlock()
	slices.SortFunc(ready, func(a, b Tenant) int { return strings.Compare(a.ID, b.ID) })
	vault := secretsmanager.NewFromConfig(c.cloud.AWS())
	for i := range ready {
		if ready[i].credentials, err = read(ctx, vault, ready[i].Ready.Database.SecretARN); err != nil {
			return nil, fmt.Errorf("read the credentials of %s: %w", ready[i].ID, err)
		}
	}
	return ready, nil
}

// read reads a tenant's secret. Secrets Manager is eventually consistent: a new secret may take a
// moment to be seen.
func read(ctx context.Context, vault *secretsmanager.Client, arn string) (c events.Credentials, err error) {
	var secret *secretsmanager.GetSecretValueOutput
	for range 20 {
		secret, err = vault.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &arn})
		if !cloud.IsNotFound(err) {
			break
		}
		if err := cloud.Sleep(ctx, 100*time.Millisecond); err != nil {
			return c, err
		}
	}
	if err != nil {
		return c, err
	}
	err = json.Unmarshal([]byte(aws.ToString(secret.SecretString)), &c)
	return c, err
}

// Await waits until done says so, looking whenever something happened; progress is told each time.
func (c *Crowd) Await(ctx context.Context, what string, done func() bool, progress func()) error {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-c.changed:
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait until %s: %w", what, context.Cause(ctx))
		}
		if progress != nil {
			progress()
		}
	}
	return nil
}
