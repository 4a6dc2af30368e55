package dynamo

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"headroom/internal/pool"
)

// GivenUp reads what somebody has to look at and no deadline names any more: departures and clearances of which a step was
// given up, and restorations that failed. It costs as much as EachTenant, and misses as little.
func (l *Ledger) GivenUp(ctx context.Context) (departures []pool.Departure, clearances []pool.Clearance, restorations []pool.Restoration, err error) {
	pages := dynamodb.NewScanPaginator(l.Client, &dynamodb.ScanInput{
		TableName: &l.Table, ConsistentRead: aws.Bool(true),
		FilterExpression:         aws.String("attribute_exists(#stuck) AND (begins_with(#sk, :departure) OR begins_with(#sk, :clearance)) OR #sk = :restoration AND #failed = :true"),
		ExpressionAttributeNames: names("sk", "stuck", "failed"),
		ExpressionAttributeValues: item{
			":departure": text(departureSort), ":clearance": text(clearanceSort), ":restoration": text(restorationSort), ":true": &types.AttributeValueMemberBOOL{Value: true},
		},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, nil, nil, fmt.Errorf("read what was given up: %w", err)
		}
		for _, stored := range page.Items {
			var k key
			if err := attributevalue.UnmarshalMap(stored, &k); err != nil {
				return nil, nil, nil, fmt.Errorf("decode %T: %w", k, err)
			}
			switch {
			case strings.HasPrefix(k.SK, departureSort):
				d, err := decodeDeparture(stored)
				if err != nil {
					return nil, nil, nil, err
				}
				departures = append(departures, d)
			case strings.HasPrefix(k.SK, clearanceSort):
				c, err := decodeClearance(stored)
				if err != nil {
					return nil, nil, nil, err
				}
				clearances = append(clearances, c)
			default:
				var i restorationItem
				if err := attributevalue.UnmarshalMap(stored, &i); err != nil {
					return nil, nil, nil, fmt.Errorf("decode %T: %w", i, err)
				}
				restorations = append(restorations, i.restoration())
			}
		}
	}
	return departures, clearances, restorations, nil
}

// EachTenant hands every tenant there ever was to f, in no order, until that returns an error. It reads the whole table,
// strongly consistently, and costs so much: it is for people who ask, and for no function. A tenant that is recorded
// meanwhile may be missed.
func (l *Ledger) EachTenant(ctx context.Context, f func(pool.Tenant) error) error {
	pages := dynamodb.NewScanPaginator(l.Client, &dynamodb.ScanInput{
		TableName: &l.Table, ConsistentRead: aws.Bool(true),
		FilterExpression: aws.String("#sk = :tenant"), ExpressionAttributeNames: names("sk"), ExpressionAttributeValues: item{":tenant": text("TENANT")},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("read all tenants: %w", err)
		}
		for _, i := range page.Items {
			var stored tenantItem
			if err := attributevalue.UnmarshalMap(i, &stored); err != nil {
				return fmt.Errorf("decode %T: %w", stored, err)
			}
			if err := f(stored.tenant()); err != nil {
				return err
			}
		}
	}
	return nil
}
