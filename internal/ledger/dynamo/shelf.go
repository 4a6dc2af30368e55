package dynamo

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"headroom/internal/pool"
)

// Shelf reads a tier's shelf; one that does not exist reads as pool.NewShelf, version 0.
func (l *Ledger) Shelf(ctx context.Context, tier pool.Tier) (pool.Shelf, error) {
	var i shelfItem
	err := l.get(ctx, shelfKey(tier), &i)
	if errors.Is(err, pool.ErrNotFound) {
		return pool.NewShelf(tier), nil
	}
	if err != nil {
		return pool.Shelf{}, fmt.Errorf("read the shelf of tier %s: %w", tier, err)
	}
	s, err := i.shelf(tier)
	if err != nil {
		return pool.Shelf{}, fmt.Errorf("decode the shelf of tier %s: %w", tier, err)
	}
	return s, nil
}

// SaveShelf replaces the shelf on the condition that its version is before's; version 0 creates it.
func (l *Ledger) SaveShelf(ctx context.Context, before, after pool.Shelf) error {
	after.Version = before.Version + 1
	i, err := encodeShelf(after)
	if err != nil {
		return err
	}
	var unchanged conditions
	unchanged.equal("v", before.Version)
	if err := l.put(ctx, unchanged.put(i)); err != nil {
		return fmt.Errorf("save the shelf of tier %s: %w", after.Tier, err)
	}
	return nil
}

// countSignup counts one more tenant that came, in the update that is written for it anyway.
const countSignup = "n = if_not_exists(n, :zero) + :one"

// Claim is pool.Take as one conditional update. DynamoDB runs the updates of one item one after the
// other, so claims that run at once do not disturb each other.
func (l *Ledger) Claim(ctx context.Context, tier pool.Tier, tenant pool.TenantID, waiting bool) (pool.Claim, error) {
	condition := "attribute_not_exists(hd.#tenant) AND attribute_exists(db[0]) AND attribute_exists(sh[0])"
	set := []string{"hd.#tenant = list_append(db[0], sh[0])"}
	values := item{}
	if !waiting { // one that waited was counted when it drew its number
		condition += " AND attribute_not_exists(q)"
		set = append(set, countSignup)
		values[":zero"] = number(0)
	}
	// Commit point: with this update the slots are the tenant's. Its reply may be lost: the same
	// update run again fails its condition, and is answered with what the tenant holds.
	shelf, err := l.changeShelf(ctx, tier, shelfChange{
		set:       set,
		remove:    []string{"db[0]", "sh[0]"},
		condition: condition,
		names:     map[string]string{"#tenant": string(tenant)},
		values:    values,
	})
	if errors.Is(err, pool.ErrConflict) {
		return l.unclaimed(tier, tenant, waiting, err)
	}
	if err != nil {
		return pool.Claim{}, fmt.Errorf("claim from the shelf of tier %s for tenant %s: %w", tier, tenant, err)
	}
	claim, _ := shelf.Reclaim(tenant)
	claim.Replayed = false
	return claim, nil
}

// unclaimed tells from the shelf that a claim's condition failed on what the claim is answered with.
func (l *Ledger) unclaimed(tier pool.Tier, tenant pool.TenantID, waiting bool, failure error) (pool.Claim, error) {
	shelf, err := decodeShelf(tier, found(failure))
	if err != nil {
		return pool.Claim{}, err
	}
	if claim, ok := shelf.Reclaim(tenant); ok {
		return claim, nil
	}
	if shelf.Queue != 0 && !waiting {
		return pool.Claim{}, pool.ErrQueued
	}
	return pool.Claim{}, pool.ErrEmpty
}

// shelfChange is an update of a shelf in the words of update expressions. It moves the version.
type shelfChange struct {
	set, remove []string
	condition   string
	names       map[string]string
	values      item
	create      bool // the shelf is made if it is not there
}

// creation fills in what a shelf that is made by an update needs, so that later paths exist.
var creation = []string{
	"db = if_not_exists(db, :none)", "sh = if_not_exists(sh, :none)", "h = if_not_exists(h, :nobody)",
	"hd = if_not_exists(hd, :nobody)",
}

// changeShelf updates the shelf and returns it as it is then.
func (l *Ledger) changeShelf(ctx context.Context, tier pool.Tier, c shelfChange) (pool.Shelf, error) {
	values := item{":one": number(1)}
	for placeholder, v := range c.values {
		values[placeholder] = v
	}
	version := "v = v + :one"
	if c.create {
		version = "v = if_not_exists(v, :zero) + :one"
		c.set = append(c.set, creation...)
		values[":zero"] = number(0)
		values[":none"] = &types.AttributeValueMemberL{Value: []types.AttributeValue{}}
		values[":nobody"] = &types.AttributeValueMemberM{Value: item{}}
	}
	expression := "SET " + strings.Join(append(c.set, version), ", ")
	if len(c.remove) > 0 {
		expression += " REMOVE " + strings.Join(c.remove, ", ")
	}
	update := &types.Update{
		Key: shelfKey(tier).attributes(), UpdateExpression: &expression,
		ExpressionAttributeValues: values,
	}
	if len(c.names) > 0 { // DynamoDB refuses an empty map
		update.ExpressionAttributeNames = c.names
	}
	if c.condition != "" {
		update.ConditionExpression = &c.condition
	}
	after, err := l.update(ctx, update)
	if err != nil {
		return pool.Shelf{}, err
	}
	return decodeShelf(tier, after)
}
