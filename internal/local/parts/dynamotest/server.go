// Package dynamotest runs the real DynamoDB program for tests, and makes tables in it as the
// control stack has them.
package dynamotest

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"headroom/internal/local/parts"
)

// Server is a running DynamoDB program with nothing in it. It ends with the test that started it.
type Server struct {
	Endpoint string
	tables   atomic.Int64
}

// Start runs the DynamoDB program on a free port of its own.
func Start(tb testing.TB) *Server {
	tb.Helper()
	modules, err := parts.FindModules()
	if err != nil {
		tb.Fatal(err)
	}
	part, err := parts.Dynoxide(context.Background(), parts.Options{Modules: modules, Dir: tb.TempDir()})
	if err != nil {
		tb.Fatalf("start the DynamoDB program: %v", err)
	}
	tb.Cleanup(func() { _ = part.Close() })
	return &Server{Endpoint: part.URL.String()}
}

// Client makes a client of the program. Options are the caller's own, such as middleware.
func (s *Server) Client(options ...func(*dynamodb.Options)) *dynamodb.Client {
	// As many connections are kept open as tests have claimers; the default is ten.
	transport := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.MaxIdleConnsPerHost = 100 })
	return dynamodb.New(dynamodb.Options{
		Region: "eu-central-1", BaseEndpoint: &s.Endpoint, HTTPClient: transport,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	}, options...)
}

// Table makes a new, empty table and returns its name.
func (s *Server) Table(tb testing.TB) string {
	tb.Helper()
	name := fmt.Sprintf("headroom-%d", s.tables.Add(1))
	_, err := s.Client().CreateTable(context.Background(), &dynamodb.CreateTableInput{
		TableName: &name, BillingMode: types.BillingModePayPerRequest,
		KeySchema: keys("pk", "sk"),
		AttributeDefinitions: []types.AttributeDefinition{
			attribute("pk", types.ScalarAttributeTypeS), attribute("sk", types.ScalarAttributeTypeS),
			attribute("due", types.ScalarAttributeTypeS), attribute("dueAt", types.ScalarAttributeTypeN),
			attribute("reserve", types.ScalarAttributeTypeS), attribute("used", types.ScalarAttributeTypeN),
		},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{index("due", "due", "dueAt"), index("reserve", "reserve", "used")},
	})
	if err != nil {
		tb.Fatalf("create table %s: %v", name, err)
	}
	return name
}

func keys(partition, sort string) []types.KeySchemaElement {
	return []types.KeySchemaElement{
		{AttributeName: &partition, KeyType: types.KeyTypeHash},
		{AttributeName: &sort, KeyType: types.KeyTypeRange},
	}
}

func attribute(name string, t types.ScalarAttributeType) types.AttributeDefinition {
	return types.AttributeDefinition{AttributeName: &name, AttributeType: t}
}

func index(name, partition, sort string) types.GlobalSecondaryIndex {
	return types.GlobalSecondaryIndex{
		IndexName: aws.String(name), KeySchema: keys(partition, sort),
		Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
	}
}
