package dynamodb_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"headroom/internal/local/disorder"
	"headroom/internal/local/endpoint"
	"headroom/internal/local/endpoint/endpointtest"
	"headroom/internal/local/parts/dynamotest"
	"headroom/internal/local/service/dynamodb"
)

type item = map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func number(n int) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: fmt.Sprint(n)}
}
func key(pk string) item { return item{"pk": text(pk), "sk": text("HOST")} }

// bench is a table behind the layer.
type bench struct {
	client *sdk.Client
	tables *dynamodb.Tables
	table  string
	held   string // operation that goes on only when something comes from hold
	hold   chan struct{}
	over   chan struct{} // closed when the test is

	mu    sync.Mutex
	clock time.Time
}

func newBench(t *testing.T, untidy disorder.Tables, held string) *bench {
	t.Helper()
	b := &bench{held: held, hold: make(chan struct{}), over: make(chan struct{}), clock: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)}
	program, err := url.Parse(dynamotest.Start(t).Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	router := endpointtest.Router()
	router.Proxy("dynamodb", program)
	router.Layer("dynamodb", b.gate)
	b.tables = dynamodb.New(untidy, disorder.New(1, disorder.Options{}), b.now)
	router.Layer("dynamodb", b.tables.Layer)
	router.Guard("dynamodb", dynamodb.Check)
	server := &dynamotest.Server{Endpoint: *endpointtest.Listen(t, router).BaseEndpoint}
	t.Cleanup(func() { close(b.over) }) // before the server waits for what it serves
	b.client, b.table = server.Client(func(o *sdk.Options) { o.RetryMaxAttempts = 1 }), server.Table(t)
	return b
}

// gate holds calls of an operation up: that one waits is how tests know that it is under way.
func (b *bench) gate(ctx context.Context, call endpoint.Call, next func(context.Context, endpoint.Call) endpoint.Reply) (endpoint.Reply, error) {
	if call.Operation == b.held {
		for range 2 {
			select {
			case <-b.hold:
			case <-b.over:
			}
		}
	}
	return next(ctx, call), nil
}

func (b *bench) now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.clock
}

func (b *bench) pass(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clock = b.clock.Add(d)
}

func (b *bench) put(t *testing.T, pk string, dueAt int) error {
	t.Helper()
	whole := key(pk)
	whole["due"], whole["dueAt"], whole["more"] = text("host"), number(dueAt), text("x")
	_, err := b.client.PutItem(t.Context(), &sdk.PutItemInput{TableName: &b.table, Item: whole})
	return err
}

func (b *bench) transact(ctx context.Context, pks ...string) error {
	in := &sdk.TransactWriteItemsInput{}
	for _, pk := range pks {
		in.TransactItems = append(in.TransactItems, types.TransactWriteItem{Update: &types.Update{
			TableName: &b.table, Key: key(pk), UpdateExpression: aws.String("SET v = :v"), ExpressionAttributeValues: item{":v": number(1)},
		}})
	}
	_, err := b.client.TransactWriteItems(ctx, in)
	return err
}

// due lists what the index shows up to a time, as "pk@dueAt".
func (b *bench) due(t *testing.T, upTo int) []string {
	t.Helper()
	out, err := b.client.Query(t.Context(), &sdk.QueryInput{
		TableName: &b.table, IndexName: aws.String("due"), KeyConditionExpression: aws.String("#due = :what AND #dueAt <= :now"),
		ExpressionAttributeNames:  map[string]string{"#due": "due", "#dueAt": "dueAt"},
		ExpressionAttributeValues: item{":what": text("host"), ":now": number(upTo)},
	})
	if err != nil {
		t.Fatal(err)
	}
	found := []string{}
	for _, entry := range out.Items {
		found = append(found, entry["pk"].(*types.AttributeValueMemberS).Value+"@"+entry["dueAt"].(*types.AttributeValueMemberN).Value)
		if entry["more"] != nil {
			t.Errorf("an index of keys shows %v", entry)
		}
	}
	if int(out.Count) != len(found) {
		t.Errorf("%d counted, %d there", out.Count, len(found))
	}
	return found
}

func TestWhatATransactionIsAboutIsRefusedToOthers(t *testing.T) {
	b := newBench(t, disorder.Tables{}, "TransactWriteItems")
	done := make(chan error, 1)
	go func() { done <- b.transact(context.Background(), "a", "b") }()
	b.hold <- struct{}{} // it is under way

	var conflict *types.TransactionConflictException
	if err := b.put(t, "a", 1); !errors.As(err, &conflict) {
		t.Errorf("a write of an item of its: %v", err)
	}
	if err := b.put(t, "c", 1); err != nil {
		t.Errorf("a write of another item: %v", err)
	}
	var canceled *types.TransactionCanceledException
	if err := b.transact(t.Context(), "c", "b"); !errors.As(err, &canceled) {
		t.Fatalf("a transaction about an item of its: %v", err)
	}
	codes := []string{}
	for _, reason := range canceled.CancellationReasons {
		codes = append(codes, aws.ToString(reason.Code))
	}
	if !slices.Equal(codes, []string{"None", "TransactionConflict"}) {
		t.Errorf("reasons %v", codes)
	}
	b.hold <- struct{}{}
	if err := <-done; err != nil {
		t.Errorf("the first: %v", err)
	}
	if err := b.put(t, "a", 1); err != nil {
		t.Errorf("after it: %v", err)
	}
}

func TestATransactionAboutWhatIsBeingWrittenIsRefused(t *testing.T) {
	b := newBench(t, disorder.Tables{}, "DeleteItem")
	done := make(chan error, 1)
	go func() {
		_, err := b.client.DeleteItem(context.Background(), &sdk.DeleteItemInput{TableName: &b.table, Key: key("a")})
		done <- err
	}()
	b.hold <- struct{}{} // it is under way
	var canceled *types.TransactionCanceledException
	if err := b.transact(t.Context(), "a", "b"); !errors.As(err, &canceled) || aws.ToString(canceled.CancellationReasons[0].Code) != "TransactionConflict" {
		t.Errorf("a transaction about it: %v", err)
	}
	if err := b.put(t, "a", 1); err != nil {
		t.Errorf("another write of it: %v", err)
	}
	b.hold <- struct{}{}
	if err := <-done; err != nil {
		t.Errorf("the first: %v", err)
	}
	if err := b.transact(t.Context(), "a", "b"); err != nil {
		t.Errorf("after it: %v", err)
	}
}

func TestATransactionThatIsHeldByChanceConflictsToo(t *testing.T) {
	b := newBench(t, disorder.Tables{Transaction: 50 * time.Millisecond}, "")
	var conflicts, done int
	var mu sync.Mutex
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			err := b.transact(t.Context(), "a")
			mu.Lock()
			defer mu.Unlock()
			var canceled *types.TransactionCanceledException
			switch {
			case err == nil:
				done++
			case errors.As(err, &canceled):
				conflicts++
			default:
				t.Error(err)
			}
		})
	}
	group.Wait()
	if tally := b.tables.Tally(); done == 0 || conflicts == 0 || tally.Conflicts != conflicts {
		t.Errorf("%d done, %d in conflict, %+v", done, conflicts, tally)
	}
}

func TestAnIndexLags(t *testing.T) {
	const lag = time.Minute
	b := newBench(t, disorder.Tables{Index: lag}, "")
	steps := []struct {
		name string
		do   func() error
		want []string // at once
		then []string // once the index has come along
	}{
		{"a new item", func() error { return b.put(t, "a", 5) }, []string{}, []string{"a@5"}},
		{"another", func() error { return b.put(t, "b", 3) }, []string{"a@5"}, []string{"b@3", "a@5"}},
		{"a change", func() error { return b.put(t, "a", 1) }, []string{"b@3", "a@5"}, []string{"a@1", "b@3"}},
		{"two changes", func() error { return errors.Join(b.put(t, "a", 7), b.put(t, "a", 8)) }, []string{"a@1", "b@3"}, []string{"b@3", "a@8"}},
		{"out of sight", func() error { return b.put(t, "a", 99) }, []string{"b@3", "a@8"}, []string{"b@3"}},
		{"by a transaction", func() error { return b.transact(t.Context(), "b", "c") }, []string{"b@3"}, []string{"b@3"}},
		{"a deletion", func() error {
			_, err := b.client.DeleteItem(t.Context(), &sdk.DeleteItemInput{TableName: &b.table, Key: key("b")})
			return err
		}, []string{"b@3"}, []string{}},
	}
	for _, step := range steps {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if got := b.due(t, 10); !slices.Equal(got, step.want) {
			t.Errorf("%s, at once: %v, want %v", step.name, got, step.want)
		}
		b.pass(lag)
		if got := b.due(t, 10); !slices.Equal(got, step.then) {
			t.Errorf("%s, later: %v, want %v", step.name, got, step.then)
		}
	}
	if n := b.tables.Tally().Stale; n != len(steps)-1 { // a transaction changed nothing that the index has
		t.Errorf("%d stale answers of %d", n, len(steps))
	}
	if got, err := b.client.GetItem(t.Context(), &sdk.GetItemInput{TableName: &b.table, Key: key("a")}); err != nil || got.Item["dueAt"] == nil {
		t.Errorf("the table itself: %v, %v", got, err)
	}
}

func TestExpressionsWithTooManyOperatorsAreRefused(t *testing.T) {
	b := newBench(t, disorder.Tables{}, "")
	long := strings.Repeat("a < b OR ", 150) + "a < b"
	_, single := b.client.DeleteItem(t.Context(), &sdk.DeleteItemInput{TableName: &b.table, Key: key("a"), ConditionExpression: &long})
	_, within := b.client.TransactWriteItems(t.Context(), &sdk.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{ConditionCheck: &types.ConditionCheck{TableName: &b.table, Key: key("a"), ConditionExpression: &long}},
	}})
	for what, err := range map[string]error{"a deletion": single, "a transaction": within} {
		var refused smithy.APIError
		const want = "Invalid ConditionExpression: The expression contains too many operators; operator count: 301"
		if !errors.As(err, &refused) || refused.ErrorCode() != "ValidationException" || refused.ErrorMessage() != want {
			t.Errorf("%s: %v", what, err)
		}
	}
}
