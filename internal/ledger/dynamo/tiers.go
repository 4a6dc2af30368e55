package dynamo

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"headroom/internal/pool"
)

// tiersItem is the one item that lists the tiers there ever were. It is written with a pool's first order.
type tiersItem struct {
	Tiers []pool.Tier `dynamodbav:"tiers,stringset"`
}

// Tiers lists the tiers that a host was ever ordered for, sorted.
func (l *Ledger) Tiers(ctx context.Context) ([]pool.Tier, error) {
	var i tiersItem
	if err := l.get(ctx, tiersKey(), &i); err != nil && !errors.Is(err, pool.ErrNotFound) {
		return nil, fmt.Errorf("read the tiers: %w", err)
	}
	return slices.Sorted(slices.Values(i.Tiers)), nil
}

// addTier is the write of a tier into the list of tiers; one that is there already changes nothing.
func addTier(t pool.Tier) *types.Update {
	return &types.Update{
		Key: tiersKey().attributes(), UpdateExpression: aws.String("ADD #tiers :tiers"), ExpressionAttributeNames: names("tiers"),
		ExpressionAttributeValues: item{":tiers": &types.AttributeValueMemberSS{Value: []string{string(t)}}},
	}
}
