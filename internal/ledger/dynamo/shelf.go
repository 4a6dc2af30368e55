package dynamo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
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

// Claim is ClaimAll for one tenant.
func (l *Ledger) Claim(ctx context.Context, tier pool.Tier, tenant pool.TenantID, waiting bool) (pool.Claim, error) {
	claimed, err := l.ClaimAll(ctx, tier, []pool.TenantID{tenant}, waiting)
	if err != nil {
		return pool.Claim{}, err
	}
	return claimed[0].Claim, claimed[0].Err
}

// ClaimAll is pool.TakeAll as one conditional update: all of the tenants get slots by it, or none does. Who is in
// the way of that is known from the shelf that the condition failed on, and is answered from it; the
// others try again. DynamoDB runs the updates of one item one after the other, so claims that run at once
// do not disturb each other.
func (l *Ledger) ClaimAll(ctx context.Context, tier pool.Tier, tenants []pool.TenantID, waiting bool) ([]pool.Claimed, error) {
	answers := map[pool.TenantID]pool.Claimed{}
	var left []pool.TenantID
	for _, id := range tenants {
		if !slices.Contains(left, id) {
			left = append(left, id)
		}
	}
	for len(left) > 0 {
		shelf, err := l.take(ctx, tier, left, waiting)
		if err == nil {
			for i, id := range left {
				claim, _ := shelf.Reclaim(id)
				after := len(left) - 1 - i // that many took after it
				claim.Replayed, claim.Left, claim.Unsettled = false, claim.Left+after, claim.Unsettled-after
				answers[id] = pool.Claimed{Claim: claim}
			}
			break
		}
		if !errors.Is(err, pool.ErrConflict) {
			return nil, fmt.Errorf("claim from the shelf of tier %s for %d tenants: %w", tier, len(left), err)
		}
		if shelf, err = decodeShelf(tier, found(err)); err != nil {
			return nil, err
		}
		var others []pool.TenantID
		_, claimed := pool.TakeAll(shelf, left, waiting)
		for i, id := range left {
			if claimed[i].Err == nil && !claimed[i].Claim.Replayed {
				others = append(others, id)
			} else {
				answers[id] = claimed[i]
			}
		}
		if len(others) == len(left) {
			return nil, fmt.Errorf("claim from the shelf of tier %s: refused, and nothing is in the way of it: %w", tier, pool.ErrConflict)
		}
		left = others
	}
	claimed := make([]pool.Claimed, len(tenants))
	for i, id := range tenants {
		claimed[i] = answers[id]
		if again := answers[id]; again.Err == nil {
			again.Claim.Replayed = true // for the same tenant once more
			answers[id] = again
		}
	}
	return claimed, nil
}

// take gives each of the tenants a pair, if there are enough, none of them holds one, and nobody waits before them.
func (l *Ledger) take(ctx context.Context, tier pool.Tier, tenants []pool.TenantID, waiting bool) (pool.Shelf, error) {
	last := strconv.Itoa(len(tenants) - 1)
	conditions := []string{"attribute_exists(db[" + last + "])", "attribute_exists(sh[" + last + "])", "size(hd) <= :most"}
	change := shelfChange{names: map[string]string{}, values: item{":most": number(pool.HeldMost - len(tenants))}}
	for i, id := range tenants {
		n := strconv.Itoa(i)
		change.names["#"+n] = string(id)
		conditions = append(conditions, "attribute_not_exists(hd.#"+n+")")
		change.set = append(change.set, "hd.#"+n+" = list_append(db["+n+"], sh["+n+"])")
		change.remove = append(change.remove, "db["+n+"]", "sh["+n+"]")
	}
	slices.Reverse(change.remove) // from the end, so that it does not matter whether places move meanwhile
	if !waiting {                 // one that waited was counted when it drew its number
		conditions = append(conditions, "attribute_not_exists(q)")
		change.count(len(tenants))
	}
	change.condition = strings.Join(conditions, " AND ")
	// Commit point: with this update the slots are the tenants'. Its reply may be lost: the same
	// update run again fails its condition, and is answered with what the tenants hold.
	return l.changeShelf(ctx, tier, change)
}

// shelfChange is an update of a shelf in the words of update expressions. It moves the version.
type shelfChange struct {
	set, remove []string
	condition   string
	names       map[string]string
	values      item
	create      bool // the shelf is made if it is not there
}

// count counts tenants that came, in an update that is written for them anyway.
func (c *shelfChange) count(tenants int) {
	c.set = append(c.set, "n = if_not_exists(n, :zero) + :came")
	c.values[":zero"], c.values[":came"] = number(0), number(tenants)
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
