package page

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"headroom/events"
	"headroom/internal/adapter/awsclient"
	"headroom/internal/demo"
	"headroom/internal/ledger/dynamo"
	"headroom/internal/local/endpoint"
	"headroom/internal/local/service/lambda"
	"headroom/internal/pool"
)

// Of returns the page of a deployment, which hears from now on what happens there. Its customers sign up for a tier.
func Of(d demo.Deployment, tier string) (*Page, error) {
	dashboard, err := d.Output("DashboardName")
	if err != nil {
		return nil, fmt.Errorf("find the dashboard: %w", err)
	}
	table, err := d.Output("TableName")
	if err != nil {
		return nil, fmt.Errorf("find the table: %w", err)
	}
	records, err := dynamo.New(dynamo.Config{
		Client: dynamodb.NewFromConfig(d.AWS()), Table: table, Rand: awsclient.Jitter, Sleep: awsclient.Sleep,
	})
	if err != nil {
		return nil, err
	}
	p, err := New(Config{
		AWS: d.AWS(), Dashboard: dashboard, Ledger: records, Queues: d.Queues, Actor: deployed{d, tier, records},
		Now: d.Clock.Now, Speed: d.Clock.Speed(), Tier: tier,
	})
	if err != nil {
		return nil, err
	}
	d.News(p.Tell)
	d.Functions.Subscribe(func(line lambda.Line) { p.Logged(line.Function, line.Text) })
	d.Router.After(func(call endpoint.Call, status int) error {
		p.Called(call, status)
		return nil
	})
	return p, nil
}

// deployed acts on a deployment.
type deployed struct {
	demo.Deployment
	tier   string
	ledger ledger
}

func (d deployed) SignUp(ctx context.Context, id, address string) error {
	url, err := d.Output("SignupQueueUrl")
	if err != nil {
		return fmt.Errorf("find the signup queue: %w", err)
	}
	body, err := json.Marshal(events.SignupRequested{Version: events.Version, TenantID: id, Tier: d.tier, InstanceIP: address})
	if err != nil {
		return fmt.Errorf("word a signup: %w", err)
	}
	if _, err = sqs.NewFromConfig(d.AWS()).SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String(string(body))}); err != nil {
		return fmt.Errorf("send a signup: %w", err)
	}
	return nil
}

func (d deployed) Terminate(ctx context.Context, host string) error {
	return demo.Terminate(ctx, d.Deployment, host)
}

// Strain goes by the name of the host's stack, which is its instance's too.
func (d deployed) Strain(ctx context.Context, host string, on bool) error {
	hosts, err := d.ledger.Hosts(ctx, []pool.HostID{pool.HostID(host)})
	if err != nil {
		return fmt.Errorf("look at host %s: %w", host, err)
	}
	return d.Deployment.Strain(hosts[pool.HostID(host)].Stack.Name, on)
}
