// Package operator is what an operator may ask of a deployment, and ask it to do. What is asked is read from the ledger,
// the queues, the policy parameter, the alarms and the logs. What it is to do goes as a message to the queue that the
// same message of anybody's would go to; only the policy document and the stop switch are written, which has to work also
// when no message is handled. The command headroom puts it on a screen.
//
// Shapes with JSON tags are what `headroom … --json` prints: programs read them, so names stay, and only new ones are
// added. Times are UTC, by the deployment's clock.
package operator

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"headroom/internal/pool"
	"headroom/internal/pool/inventory"
	"headroom/internal/pool/recovery"
	"headroom/internal/stocktake"
)

// Operator asks a deployment. Reads of the ledger are strongly consistent, but for what its indexes name.
type Operator struct {
	Deployment
	Caller Caller

	Ledger     books
	Queues     queues
	Parameters parameters
	Alarms     alarms
	Logs       logs
	Inventory  stocktake.Looker // looks at what the stage has in AWS
	Backups    backups          // of database hosts
	Objects    objects          // lists the audit's copies
	Images     catalog
	Now        func() time.Time // by the deployment's clock
}

// books is what is read of the ledger, and the stop switch, which is written (headroom/internal/ledger says how).
type books interface {
	Pool(ctx context.Context, key pool.Key) (pool.Record, error)
	Shelf(ctx context.Context, tier pool.Tier) (pool.Shelf, error)
	Waiting(ctx context.Context, tier pool.Tier, limit int) ([]pool.Waiter, error)
	Tiers(ctx context.Context) ([]pool.Tier, error)
	Host(ctx context.Context, id pool.HostID) (pool.Host, error)
	Hosts(ctx context.Context, ids []pool.HostID) (map[pool.HostID]pool.Host, error)
	Tenant(ctx context.Context, id pool.TenantID) (pool.Tenant, error)
	Owner(ctx context.Context, address string) (pool.TenantID, error)
	Tenants(ctx context.Context, ids []pool.TenantID) (map[pool.TenantID]pool.Tenant, error)
	EachTenant(ctx context.Context, f func(pool.Tenant) error) error
	GivenUp(ctx context.Context) ([]pool.Departure, []pool.Clearance, []pool.Restoration, error)
	EachSignup(ctx context.Context, tier pool.Tier, f func(at time.Time) error) error
	Departures(ctx context.Context, tenant pool.TenantID) ([]pool.Departure, error)
	Clearance(ctx context.Context, id pool.ClearanceID) (pool.Clearance, error)
	Clearances(ctx context.Context, ids []pool.ClearanceID) (map[pool.ClearanceID]pool.Clearance, error)
	Repair(ctx context.Context, host pool.HostID) (pool.Repair, error)
	Restoration(ctx context.Context, tenant pool.TenantID) (pool.Restoration, error)
	Ward(ctx context.Context, key pool.Key) (pool.Ward, error)
	Storm(ctx context.Context) (pool.Storm, error)
	Audits(ctx context.Context, day time.Time) ([]pool.Audit, error)
	AuditCopies(ctx context.Context) (pool.AuditCopies, error)
	Rejection(ctx context.Context, message string) (pool.Rejection, error)
	Stops(ctx context.Context) (pool.Stops, error)
	Sightings(ctx context.Context) (inventory.Sightings, error)
	Recovery(ctx context.Context) (recovery.Record, error)
	Quotas(ctx context.Context) (pool.Quotas, error)
	Outlook(ctx context.Context, tier pool.Tier) (pool.Outlook, error)
	Spent(ctx context.Context) (pool.Cents, error)
	SwitchStops(ctx context.Context, before, after pool.Stops) error
	OverdueHosts(ctx context.Context, now time.Time, limit int) ([]pool.HostID, error)
	OverdueTenants(ctx context.Context, now time.Time, limit int) ([]pool.TenantID, error)
	OverdueDepartures(ctx context.Context, now time.Time, limit int) ([]pool.DepartureID, error)
	OverdueClearances(ctx context.Context, now time.Time, limit int) ([]pool.ClearanceID, error)
	OverdueRepairs(ctx context.Context, now time.Time, limit int) ([]pool.HostID, error)
	OverdueRestorations(ctx context.Context, now time.Time, limit int) ([]pool.TenantID, error)
}

type queues interface {
	SendMessage(context.Context, *sqs.SendMessageInput, ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	DeleteMessage(context.Context, *sqs.DeleteMessageInput, ...func(*sqs.Options)) (*sqs.DeleteMessageOutput, error)
	ChangeMessageVisibility(context.Context, *sqs.ChangeMessageVisibilityInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityOutput, error)
	GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error)
	ListDeadLetterSourceQueues(context.Context, *sqs.ListDeadLetterSourceQueuesInput, ...func(*sqs.Options)) (*sqs.ListDeadLetterSourceQueuesOutput, error)
}

type parameters interface {
	GetParameter(context.Context, *ssm.GetParameterInput, ...func(*ssm.Options)) (*ssm.GetParameterOutput, error)
	GetParameterHistory(context.Context, *ssm.GetParameterHistoryInput, ...func(*ssm.Options)) (*ssm.GetParameterHistoryOutput, error)
	PutParameter(context.Context, *ssm.PutParameterInput, ...func(*ssm.Options)) (*ssm.PutParameterOutput, error)
}

type objects interface {
	Versions(ctx context.Context, bucket, prefix string, from pool.ObjectCursor) (pool.ObjectPage, error)
}

// catalog says of images how old they are.
type catalog interface {
	Image(ctx context.Context, id string) (pool.Image, error)
}

type alarms interface {
	DescribeAlarms(context.Context, *cloudwatch.DescribeAlarmsInput, ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error)
}

type logs interface {
	FilterLogEvents(context.Context, *cloudwatchlogs.FilterLogEventsInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.FilterLogEventsOutput, error)
}

// Caller is who asks, as AWS knows it.
type Caller struct {
	ARN     string `json:"arn"`
	Account string `json:"account"`
}
