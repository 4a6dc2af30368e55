package meter_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"headroom/internal/ledger/dynamo/meter"
	"headroom/internal/local/parts/dynamotest"
)

type attributes = map[string]types.AttributeValue

func s(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }
func n(v string) types.AttributeValue { return &types.AttributeValueMemberN{Value: v} }

func key(pk string) attributes { return attributes{"pk": s(pk), "sk": s("x")} }

// item makes an item of that many kilobytes, a little less.
func item(pk string, kilobytes int, more attributes) attributes {
	i := key(pk)
	i["data"] = s(strings.Repeat("d", kilobytes*1024-100))
	for name, value := range more {
		i[name] = value
	}
	return i
}

var due = attributes{"due": s("host"), "dueAt": n("1")}

func TestUnits(t *testing.T) {
	server := dynamotest.Start(t)
	plain := server.Client()
	table := meter.Table{Key: []string{"pk", "sk"}, Indexes: []meter.Index{{Key: []string{"due", "dueAt"}}, {Key: []string{"reserve", "used"}}}}
	name := server.Table(t)
	put := func(c *dynamodb.Client, i attributes, condition *string) error {
		_, err := c.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &name, Item: i, ConditionExpression: condition})
		return err
	}
	update := func(c *dynamodb.Client, pk, expression string, values attributes) error {
		_, err := c.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
			TableName: &name, Key: key(pk), UpdateExpression: &expression,
			ExpressionAttributeValues: values, ExpressionAttributeNames: map[string]string{"#a": "due", "#b": "dueAt"},
		})
		return err
	}
	get := func(pk string, consistent bool) func(*dynamodb.Client) error {
		return func(c *dynamodb.Client) error {
			_, err := c.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &name, Key: key(pk), ConsistentRead: &consistent})
			return err
		}
	}
	transact := func(items ...types.TransactWriteItem) func(*dynamodb.Client) error {
		return func(c *dynamodb.Client) error {
			_, err := c.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: items})
			return err
		}
	}
	missing, there := aws.String("attribute_not_exists(pk)"), aws.String("attribute_exists(pk)")
	tests := []struct {
		name   string
		before []attributes
		do     func(*dynamodb.Client) error
		want   meter.Usage
		fails  bool
	}{
		{
			name: "a put of a new item", do: func(c *dynamodb.Client) error { return put(c, item("1", 3, nil), nil) },
			want: meter.Usage{Requests: 1, WRU: 3},
		},
		{
			name: "a put of a smaller item costs what was there", before: []attributes{item("1", 5, nil)},
			do: func(c *dynamodb.Client) error { return put(c, item("1", 1, nil), nil) }, want: meter.Usage{Requests: 1, WRU: 5},
		},
		{
			name: "a put into an index", do: func(c *dynamodb.Client) error { return put(c, item("1", 1, due), nil) },
			want: meter.Usage{Requests: 1, WRU: 2},
		},
		{
			name: "a put that leaves its index entry as it is", before: []attributes{item("1", 1, due)},
			do: func(c *dynamodb.Client) error { return put(c, item("1", 2, due), nil) }, want: meter.Usage{Requests: 1, WRU: 2},
		},
		{
			name: "a put that leaves an index", before: []attributes{item("1", 1, due)},
			do: func(c *dynamodb.Client) error { return put(c, item("1", 1, nil), nil) }, want: meter.Usage{Requests: 1, WRU: 2},
		},
		{
			name: "a condition that fails costs the larger item", before: []attributes{item("1", 2, due)}, fails: true,
			do: func(c *dynamodb.Client) error { return put(c, item("1", 4, nil), missing) }, want: meter.Usage{Requests: 1, WRU: 4, Refused: 1},
		},
		{
			name: "an update costs the whole item", before: []attributes{item("1", 6, due)},
			do: func(c *dynamodb.Client) error {
				return update(c, "1", "SET #a = :a, #b = :b", attributes{":a": s("host"), ":b": n("1")})
			}, want: meter.Usage{Requests: 1, WRU: 6},
		},
		{
			name: "an update that changes an index key", before: []attributes{item("1", 1, due)},
			do: func(c *dynamodb.Client) error {
				return update(c, "1", "SET #a = :a, #b = :b", attributes{":a": s("host"), ":b": n("2")})
			}, want: meter.Usage{Requests: 1, WRU: 3},
		},
		{name: "a consistent read", before: []attributes{item("1", 5, nil)}, do: get("1", true), want: meter.Usage{Requests: 1, RRU: 2}},
		{name: "an eventually consistent read", before: []attributes{item("1", 5, nil)}, do: get("1", false), want: meter.Usage{Requests: 1, RRU: 1}},
		{name: "a read of nothing", do: get("nothing", true), want: meter.Usage{Requests: 1, RRU: 1}},
		{
			name: "a query costs the sum of its items", before: []attributes{item("1", 3, nil)},
			do: func(c *dynamodb.Client) error {
				_, err := c.Query(t.Context(), &dynamodb.QueryInput{
					TableName: &name, KeyConditionExpression: aws.String("pk = :p"),
					ExpressionAttributeValues: attributes{":p": s("1")}, ConsistentRead: aws.Bool(true),
				})
				return err
			}, want: meter.Usage{Requests: 1, RRU: 1},
		},
		{
			name: "a transaction costs twice, its index entries once", before: []attributes{item("1", 2, due)},
			do: transact(
				types.TransactWriteItem{Delete: &types.Delete{TableName: &name, Key: key("1")}},
				types.TransactWriteItem{Put: &types.Put{TableName: &name, Item: item("2", 1, due)}}),
			want: meter.Usage{Requests: 1, WRU: 2*2 + 1 + 2*1 + 1},
		},
		{
			name: "a transaction that is canceled costs too", fails: true,
			do:   transact(types.TransactWriteItem{Put: &types.Put{TableName: &name, Item: item("1", 1, nil), ConditionExpression: there}}),
			want: meter.Usage{Requests: 1, WRU: 2, Refused: 1},
		},
		{
			name: "what is not metered is refused", fails: true,
			do: func(c *dynamodb.Client) error {
				_, err := c.Scan(t.Context(), &dynamodb.ScanInput{TableName: &name})
				return err
			},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			name = server.Table(t)
			for i := range test.before {
				if err := put(plain, test.before[i], nil); err != nil {
					t.Fatal(err)
				}
			}
			gauge := meter.New(plain, table)
			if err := test.do(server.Client(gauge.Attach)); (err != nil) != test.fails {
				t.Fatal(err)
			}
			if got := gauge.Usage(); got != test.want {
				t.Errorf("used %+v, want %+v", got, test.want)
			}
		})
	}
}

// flaky answers the first request with an error that the SDK tries again after.
type flaky struct {
	next   http.RoundTripper
	failed bool
}

func (f *flaky) Do(r *http.Request) (*http.Response, error) {
	if !f.failed {
		f.failed = true
		return nil, errors.New("connection lost")
	}
	return f.next.RoundTrip(r)
}

func TestAttemptsAreCounted(t *testing.T) {
	server := dynamotest.Start(t)
	name := server.Table(t)
	gauge := meter.New(server.Client(), meter.Table{Key: []string{"pk", "sk"}})
	client := server.Client(gauge.Attach, func(o *dynamodb.Options) { o.HTTPClient = &flaky{next: http.DefaultTransport} })
	if _, err := client.PutItem(context.Background(), &dynamodb.PutItemInput{TableName: &name, Item: key("1")}); err != nil {
		t.Fatal(err)
	}
	if got, want := gauge.Usage(), (meter.Usage{Requests: 2, Resent: 1, WRU: 1}); got != want {
		t.Errorf("used %+v, want %+v", got, want)
	}
	if got := gauge.Usage().Retries(); got != 1 {
		t.Errorf("%d retries, want 1", got)
	}
}
