package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"headroom/internal/pool"
)

// auditItem is the stored form of a line of the audit. A day's lines lie under one key, in the order of their times.
type auditItem struct {
	key
	Form    int       `dynamodbav:"form"`
	At      time.Time `dynamodbav:"at"`
	Message string    `dynamodbav:"message"`
	Who     string    `dynamodbav:"who,omitempty"`
	Named   string    `dynamodbav:"named,omitempty"`
	What    string    `dynamodbav:"what"`
	Of      string    `dynamodbav:"of"`
	With    string    `dynamodbav:"with,omitempty"`
	Why     string    `dynamodbav:"why,omitempty"`
}

func auditDay(day time.Time) string { return "AUDIT#" + day.UTC().Format(time.DateOnly) }

// auditKey is the key of a line: its day, and its time with what tells it from others of that time.
func auditKey(a pool.Audit) key {
	at := a.At.UTC().Format("15:04:05.000000000")
	return key{auditDay(a.At), at + "#" + a.Message + "#" + a.What + "#" + a.Of}
}

// Audit adds a line; one that is there already stays as it is.
func (l *Ledger) Audit(ctx context.Context, a pool.Audit) error {
	a.At = a.At.UTC()
	i, err := encode(auditItem{
		key: auditKey(a), Form: form, At: a.At, Message: a.Message, Who: a.Who, Named: a.Named, What: a.What, Of: a.Of, With: a.With, Why: a.Why,
	})
	if err != nil {
		return err
	}
	if err := l.put(ctx, absent(i)); err != nil && !errors.Is(err, pool.ErrConflict) {
		return fmt.Errorf("put %s of %s on record: %w", a.What, a.Of, err)
	}
	return nil
}

// Audits reads the lines of a day (UTC), the earliest first.
func (l *Ledger) Audits(ctx context.Context, day time.Time) ([]pool.Audit, error) {
	var lines []pool.Audit
	pages := dynamodb.NewQueryPaginator(l.Client, &dynamodb.QueryInput{
		TableName: &l.Table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression: aws.String("#pk = :day"), ExpressionAttributeNames: names("pk"), ExpressionAttributeValues: item{":day": text(auditDay(day))},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the audit of %s: %w", day.UTC().Format(time.DateOnly), err)
		}
		for _, i := range page.Items {
			var stored auditItem
			if err := attributevalue.UnmarshalMap(i, &stored); err != nil {
				return nil, fmt.Errorf("decode %T: %w", stored, err)
			}
			lines = append(lines, pool.Audit{
				At: stored.At.UTC(), Message: stored.Message, Who: stored.Who, Named: stored.Named, What: stored.What, Of: stored.Of,
				With: stored.With, Why: stored.Why,
			})
		}
	}
	return lines, nil
}
