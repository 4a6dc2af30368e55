package cloudformation_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"headroom/internal/local/cloudformation"
	"headroom/internal/local/endpoint"
	"headroom/internal/local/iam"
	"headroom/internal/local/resource"
)

const (
	account = "123456789012"
	region  = "eu-west-1"
	thing   = "Test::Local::Thing"
)

// cloud is an engine behind an endpoint, with one type of resource: things.
type cloud struct {
	engine *cloudformation.Engine
	client *sdk.Client
	roles  *iam.Store
	keys   *endpoint.Keys
	things *things
	bucket objects
	most   atomic.Int64 // stacks; 0: as many as it likes

	mu     sync.Mutex
	events []string        // "status token" of each status change, in order
	told   map[string]bool // "stack status" of all that there ever were
}

func newCloud(t *testing.T) *cloud { return newCloudWith(t, 0) }

// newCloudWith is a cloud whose change sets take so long.
func newCloudWith(t *testing.T, changeSet time.Duration) *cloud {
	t.Helper()
	c := &cloud{roles: iam.New(account, region), keys: &endpoint.Keys{}, things: &things{}, bucket: objects{}, told: map[string]bool{}}
	c.engine = cloudformation.New(cloudformation.Config{
		Account: account, Region: region, Objects: c.bucket, Roles: c.roles,
		Parameter: func(context.Context, string) (string, error) { return "value", nil },
		Emit: func(_ context.Context, _, _ string, _ []string, detail any) {
			d := detail.(map[string]any)
			status := d["status-details"].(map[string]any)["status"]
			c.mu.Lock()
			defer c.mu.Unlock()
			c.told[fmt.Sprint(d["stack-id"], " ", status)] = true
			c.events = append(c.events, fmt.Sprint(status, " ", d["client-request-token"]))
		},
		Log: slog.New(slog.DiscardHandler), Now: time.Now, ChangeSet: changeSet,
		Most: func() int { return cmp.Or(int(c.most.Load()), math.MaxInt) },
	})
	t.Cleanup(c.engine.Close)
	c.engine.Register(c.things, thing, "AWS::S3::Bucket")
	router := endpoint.New(endpoint.Config{Account: account, Region: region, Principals: c.keys, Log: slog.New(slog.DiscardHandler)})
	router.Handle(c.engine.Service())
	server := httptest.NewServer(router)
	t.Cleanup(server.Close)
	c.client = sdk.NewFromConfig(aws.Config{
		Region: region, BaseEndpoint: aws.String(server.URL), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("owner", "secret", ""),
	})
	return c
}

// create asks for a stack with the given resources and outputs, and returns its ID.
func (c *cloud) create(t *testing.T, name, token, template string, options ...func(*sdk.CreateStackInput)) string {
	t.Helper()
	in := &sdk.CreateStackInput{StackName: aws.String(name), ClientRequestToken: aws.String(token), TemplateBody: aws.String(template)}
	for _, o := range options {
		o(in)
	}
	out, err := c.client.CreateStack(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.StackId)
}

func (c *cloud) delete(t *testing.T, name, token string) {
	t.Helper()
	if _, err := c.client.DeleteStack(t.Context(), &sdk.DeleteStackInput{StackName: aws.String(name), ClientRequestToken: aws.String(token)}); err != nil {
		t.Fatal(err)
	}
}

// reach waits until a stack has a status, and that was told.
func (c *cloud) reach(t *testing.T, nameOrID string, want types.StackStatus) types.Stack {
	t.Helper()
	for range 1000 {
		out, err := c.client.DescribeStacks(t.Context(), &sdk.DescribeStacksInput{StackName: aws.String(nameOrID)})
		if err != nil {
			t.Fatal(err)
		}
		c.mu.Lock()
		told := c.told[fmt.Sprint(aws.ToString(out.Stacks[0].StackId), " ", want)]
		c.mu.Unlock()
		if told && out.Stacks[0].StackStatus == want {
			return out.Stacks[0]
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("stack %s never became %s", nameOrID, want)
	return types.Stack{}
}

func (c *cloud) seen() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.events, ", ")
}

// things provides things, and remembers what it did.
type things struct {
	mu    sync.Mutex
	done  []string               // "+id" and "-id"
	fail  string                 // logical id that fails
	block map[string]chan string // logical ids that wait until they are told to go on
}

func (p *things) Create(ctx context.Context, r resource.Resource) (resource.Created, error) {
	p.mu.Lock()
	gate := p.block[r.LogicalID]
	p.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return resource.Created{}, ctx.Err()
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.LogicalID == p.fail {
		return resource.Created{}, errors.New("out of stock")
	}
	p.done = append(p.done, "+"+r.LogicalID)
	return resource.Created{PhysicalID: r.GeneratedName(), Attributes: map[string]any{"Color": "blue", "Of": r.Properties["of"]}}, nil
}

func (p *things) Delete(_ context.Context, r resource.Resource) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done = append(p.done, "-"+r.LogicalID)
	return nil
}

func (p *things) Schema(string) resource.Schema {
	return resource.Schema{Name: "name", CreateOnly: []string{"fixed"}, Tagged: true}
}

func (p *things) Update(_ context.Context, before, after resource.Resource) (resource.Created, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if after.LogicalID == p.fail {
		return resource.Created{}, errors.New("out of order")
	}
	p.done = append(p.done, "~"+after.LogicalID)
	return resource.Created{PhysicalID: after.PhysicalID, Attributes: map[string]any{"Color": "blue", "Of": after.Properties["of"]}}, nil
}

func (p *things) did() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.done, "")
}

// fresh forgets what was done and seen so far.
func (c *cloud) fresh() {
	c.mu.Lock()
	c.events = nil
	c.mu.Unlock()
	c.things.mu.Lock()
	c.things.done = nil
	c.things.mu.Unlock()
}

// chain is a template of things A, B and C, each of which needs the one before.
const chain = `{"Parameters":{"P":{"Type":"String","Default":"p"}},"Resources":{
	"A":{"Type":"Test::Local::Thing","DeletionPolicy":"RetainExceptOnCreate"},
	"B":{"Type":"Test::Local::Thing","Properties":{"of":{"Fn::GetAtt":["A","Color"]}}},
	"C":{"Type":"Test::Local::Thing","Properties":{"of":{"Fn::Sub":"${B.Of} ${P}"}},"DeletionPolicy":"Retain"}},
	"Outputs":{"Color":{"Value":{"Fn::GetAtt":["C","Of"]}}}}`

// objects is an S3 in memory.
type objects map[string][]byte

func (o objects) Get(_ context.Context, bucket, key string) ([]byte, error) {
	body, ok := o[bucket+"/"+key]
	if !ok {
		return nil, errors.New("NoSuchKey: The specified key does not exist.")
	}
	return body, nil
}

func (o objects) Put(_ context.Context, bucket, key string, body []byte) error {
	o[bucket+"/"+key] = slices.Clone(body)
	return nil
}
