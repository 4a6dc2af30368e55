package dynamo

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"headroom/internal/pool"
)

// signupItem is what is read of a tenant's record, or of a departure's: when which life of the tenant began, in which tier.
type signupItem struct {
	key
	Tier        pool.Tier  `dynamodbav:"tier"`
	RequestedAt *time.Time `dynamodbav:"requestedAt"`
	Tenant      *struct {
		Tier        pool.Tier `dynamodbav:"tier"`
		RequestedAt time.Time `dynamodbav:"requestedAt"`
	} `dynamodbav:"tenant"`
}

// EachSignup hands to f when each signup for a tier was taken that is on record, in no order, until that returns an error:
// of who is there, of who waits, and of who left, each of its lives once. Nothing else is read of them. It reads the whole
// table, a page at a time, and costs so much: it is for people who ask, and for no function. What is recorded meanwhile
// may be missed.
func (l *Ledger) EachSignup(ctx context.Context, tier pool.Tier, f func(at time.Time) error) error {
	pages := dynamodb.NewScanPaginator(l.Client, &dynamodb.ScanInput{
		TableName: &l.Table, FilterExpression: aws.String("#sk = :tenant OR begins_with(#sk, :departure)"),
		ProjectionExpression: aws.String("#pk, #sk, #tier, #requestedAt, #tenant.#tier, #tenant.#requestedAt"),
		// A departure's own requestedAt is when it was asked for.
		ExpressionAttributeNames:  names("pk", "sk", "tier", "requestedAt", "tenant"),
		ExpressionAttributeValues: item{":tenant": text("TENANT"), ":departure": text(departureSort)},
	})
	type life struct {
		tenant string
		began  int64
	}
	seen := map[life]bool{} // a record and its departure tell of the same life
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("read all signups: %w", err)
		}
		for _, i := range page.Items {
			var stored signupItem
			if err := attributevalue.UnmarshalMap(i, &stored); err != nil {
				return fmt.Errorf("decode %T: %w", stored, err)
			}
			in, at := stored.Tier, stored.RequestedAt
			if stored.Tenant != nil {
				in, at = stored.Tenant.Tier, &stored.Tenant.RequestedAt
			}
			if in != tier || at == nil || at.IsZero() {
				continue
			}
			if one := (life{stored.PK, at.UnixNano()}); !seen[one] {
				seen[one] = true
				if err := f(*at); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
