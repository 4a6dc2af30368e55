package dynamo

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"headroom/internal/pool"
)

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
