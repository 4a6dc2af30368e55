package dynamo

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"headroom/internal/pool"
)

// moneyItem is the one item that says what is spent. It is part of the transaction of each order, and of each save that
// says that a host is gone.
type moneyItem struct {
	Total pool.Cents `dynamodbav:"total"`
}

// heldMoneyItem is money that is held by a name.
type heldMoneyItem struct {
	key
	Form  int        `dynamodbav:"form"`
	Price pool.Cents `dynamodbav:"price"`
}

func moneyKey() key                { return key{"MONEY", "MONEY"} }
func heldMoneyKey(name string) key { return key{"MONEY", "HELD#" + name} }

// spend is the write that adds to what is spent, on the condition that the sum stays within most, unless that is 0; none
// if nothing is added.
func spend(price, most pool.Cents) []types.TransactWriteItem {
	if price == 0 {
		return nil
	}
	u := &types.Update{
		Key: moneyKey().attributes(), UpdateExpression: aws.String("ADD #total :price"), ExpressionAttributeNames: names("total"),
		ExpressionAttributeValues: item{":price": number(price)},
	}
	if most > 0 && price > most {
		u.ConditionExpression = aws.String("attribute_exists(#total) AND attribute_not_exists(#total)") // never
	} else if most > 0 {
		u.ConditionExpression = aws.String("attribute_not_exists(#total) OR #total <= :left")
		u.ExpressionAttributeValues[":left"] = number(most - price)
	}
	return []types.TransactWriteItem{{Update: u}}
}

// Spent is what is spent by all.
func (l *Ledger) Spent(ctx context.Context) (pool.Cents, error) {
	var i moneyItem
	if err := l.get(ctx, moneyKey(), &i); err != nil && !errors.Is(err, pool.ErrNotFound) {
		return 0, fmt.Errorf("read what is spent: %w", err)
	}
	return i.Total, nil
}

// HoldMoney holds money by a name, in one transaction with the sum.
func (l *Ledger) HoldMoney(ctx context.Context, name string, price, most pool.Cents) error {
	i, err := encode(heldMoneyItem{key: heldMoneyKey(name), Form: form, Price: price})
	if err != nil {
		return err
	}
	err = l.transact(ctx, append(spend(price, most), types.TransactWriteItem{Put: absent(i)})...)
	if errors.Is(err, pool.ErrConflict) {
		switch held, readErr := l.heldMoney(ctx, name); {
		case readErr != nil:
			return readErr
		case held:
			return nil
		}
		err = pool.ErrCapped
	}
	if err != nil {
		return fmt.Errorf("hold money for %s: %w", name, err)
	}
	return nil
}

func (l *Ledger) heldMoney(ctx context.Context, name string) (bool, error) {
	err := l.get(ctx, heldMoneyKey(name), &heldMoneyItem{})
	if errors.Is(err, pool.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look what money is held for %s: %w", name, err)
	}
	return true, nil
}

// HeldMoney lists what money is held for.
func (l *Ledger) HeldMoney(ctx context.Context) ([]pool.HeldMoney, error) {
	var held []pool.HeldMoney
	pages := dynamodb.NewQueryPaginator(l.Client, &dynamodb.QueryInput{
		TableName: &l.Table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression:    aws.String("pk = :money AND begins_with(sk, :held)"),
		ExpressionAttributeValues: item{":money": text(moneyKey().PK), ":held": text(heldMoneyKey("").SK)},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list what money is held for: %w", err)
		}
		for _, found := range page.Items {
			var i heldMoneyItem
			if err := attributevalue.UnmarshalMap(found, &i); err != nil {
				return nil, fmt.Errorf("decode what money is held for: %w", err)
			}
			held = append(held, pool.HeldMoney{Name: strings.TrimPrefix(i.SK, heldMoneyKey("").SK), Price: i.Price})
		}
	}
	return held, nil
}

// NoteCounted notes up to which number a pool's hosts are counted in what is spent.
func (l *Ledger) NoteCounted(ctx context.Context, k pool.Key, seq int) error {
	_, err := l.update(ctx, &types.Update{
		Key: poolKey(k).attributes(), UpdateExpression: aws.String("SET #counted = :seq"), ExpressionAttributeNames: names("counted"),
		ConditionExpression:       aws.String("attribute_exists(pk) AND (attribute_not_exists(#counted) OR #counted < :seq)"),
		ExpressionAttributeValues: item{":seq": number(seq)},
	})
	if errors.Is(err, pool.ErrConflict) {
		return l.countedAlready(ctx, k)
	}
	if err != nil {
		return fmt.Errorf("note which hosts of pool %s are counted: %w", k, err)
	}
	return nil
}

// countedAlready is no error of a pool that there is: a higher number is noted.
func (l *Ledger) countedAlready(ctx context.Context, k pool.Key) error {
	var i poolItem
	if err := l.get(ctx, poolKey(k), &i); err != nil {
		return fmt.Errorf("note which hosts of pool %s are counted: %w", k, err)
	}
	return nil
}

// FreeMoney takes back what is held by a name.
func (l *Ledger) FreeMoney(ctx context.Context, name string) error {
	var i heldMoneyItem
	err := l.get(ctx, heldMoneyKey(name), &i)
	if errors.Is(err, pool.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look what money is held for %s: %w", name, err)
	}
	gone := &types.Delete{Key: heldMoneyKey(name).attributes(), ConditionExpression: aws.String("attribute_exists(pk)")}
	err = l.transact(ctx, append(spend(-i.Price, 0), types.TransactWriteItem{Delete: gone})...)
	if errors.Is(err, pool.ErrConflict) {
		return nil // another was first
	}
	if err != nil {
		return fmt.Errorf("take back the money held for %s: %w", name, err)
	}
	return nil
}
