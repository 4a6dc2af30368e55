package dynamo

import (
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"

	"headroom/internal/pool"
)

// tenantItem is a tenant's stored form. Its ID is in its key only, and what a tenant does not have yet is
// left out: that keeps the item within one write unit.
type tenantItem struct {
	key
	deadline
	Form        int              `dynamodbav:"form"`
	Tier        pool.Tier        `dynamodbav:"tier"`
	Mark        string           `dynamodbav:"mark"`
	Addresses   []string         `dynamodbav:"addresses"`
	Change      *changeItem      `dynamodbav:"change,omitempty"`
	State       pool.TenantState `dynamodbav:"state"`
	RequestedAt time.Time        `dynamodbav:"requestedAt"`
	ReadyAt     *time.Time       `dynamodbav:"readyAt,omitempty"`
	LeftAt      *time.Time       `dynamodbav:"leftAt,omitempty"`
	Held        bool             `dynamodbav:"held,omitempty"`
	Anew        bool             `dynamodbav:"anew,omitempty"`
	Undone      int              `dynamodbav:"undone,omitempty"`
	Restored    int              `dynamodbav:"restored,omitempty"`
	progress
	Seq       int64         `dynamodbav:"seq,omitempty"`
	Spent     []string      `dynamodbav:"spent,omitempty"`
	Returning []holdingItem `dynamodbav:"returning,omitempty"`
	Database  *holdingItem  `dynamodbav:"database,omitempty"`
	Share     *holdingItem  `dynamodbav:"share,omitempty"`
	Secret    string        `dynamodbav:"secret,omitempty"`
	MovedAt   *time.Time    `dynamodbav:"movedAt,omitempty"`
	History   []entryItem   `dynamodbav:"history"`
	Version   int64         `dynamodbav:"version"`
}

type holdingItem struct {
	Host       pool.HostID `dynamodbav:"host"`
	Index      int         `dynamodbav:"index"`
	Generation int         `dynamodbav:"gen"`
	Name       string      `dynamodbav:"name"`
	Address    string      `dynamodbav:"address"`
	Port       int         `dynamodbav:"port,omitempty"`
}

func encodeTenant(t pool.Tenant) (item, error) { return encode(tenantItemOf(t)) }

func tenantItemOf(t pool.Tenant) tenantItem {
	i := tenantItem{
		key: tenantKey(t.ID), deadline: deadlineOf(dueTenant, t.Due), Form: form,
		Tier: t.Tier, Mark: t.Mark, Addresses: t.Addresses, Change: encodeChange(t.Change), State: t.State, RequestedAt: t.RequestedAt,
		progress: encodeProgress(t.Progress), Seq: t.Seq, Spent: t.Spent, Database: encodeHolding(t.Database), Share: encodeHolding(t.Share),
		Secret: t.Secret, History: encodeHistory(t.History), Version: t.Version, Held: t.Held, Anew: t.Anew, Undone: t.Undone, Restored: t.Restored,
	}
	for _, h := range t.Returning {
		i.Returning = append(i.Returning, holdingItem(h))
	}
	i.ReadyAt, i.LeftAt, i.MovedAt = moment(t.ReadyAt), moment(t.LeftAt), moment(t.MovedAt)
	return i
}

// moment is a moment that is left out when it is none.
func moment(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}

// from reads a moment that is left out when it is none.
func from(at *time.Time) time.Time {
	if at == nil {
		return time.Time{}
	}
	return *at
}

func encodeHolding(h pool.Holding) *holdingItem {
	if h == (pool.Holding{}) {
		return nil
	}
	stored := holdingItem(h)
	return &stored
}

func (h *holdingItem) decode() pool.Holding {
	if h == nil {
		return pool.Holding{}
	}
	return pool.Holding(*h)
}

func (i tenantItem) tenant() pool.Tenant {
	t := pool.Tenant{
		ID:   pool.TenantID(strings.TrimPrefix(i.PK, tenantPrefix)),
		Tier: i.Tier, Mark: i.Mark, Addresses: i.Addresses, Change: i.Change.decode(), State: i.State, RequestedAt: i.RequestedAt,
		Progress: i.progress.decode(i.time()), Seq: i.Seq, Spent: i.Spent, Database: i.Database.decode(), Share: i.Share.decode(),
		Secret: i.Secret, History: decodeHistory(i.History), Version: i.Version, Held: i.Held, Anew: i.Anew, Undone: i.Undone, Restored: i.Restored,
	}
	for _, h := range i.Returning {
		t.Returning = append(t.Returning, pool.Holding(h))
	}
	t.ReadyAt, t.LeftAt, t.MovedAt = from(i.ReadyAt), from(i.LeftAt), from(i.MovedAt)
	return t
}

func decodeTenant(stored item) (pool.Tenant, error) {
	var i tenantItem
	if err := attributevalue.UnmarshalMap(stored, &i); err != nil {
		return pool.Tenant{}, fmt.Errorf("decode a tenant: %w", err)
	}
	return i.tenant(), nil
}
