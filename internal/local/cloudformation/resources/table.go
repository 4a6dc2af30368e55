package resources

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"headroom/internal/local/resource"
	"headroom/internal/local/weakjson"
)

type table struct{ *Resources }

// tableProperties are the properties of a table that make a difference here. Those that the API
// takes have the API's shape.
type tableProperties struct {
	AttributeDefinitions      []types.AttributeDefinition
	KeySchema                 []types.KeySchemaElement
	GlobalSecondaryIndexes    []types.GlobalSecondaryIndex
	LocalSecondaryIndexes     []types.LocalSecondaryIndex
	BillingMode               types.BillingMode
	DeletionProtectionEnabled weakjson.Bool
	SSESpecification          struct {
		KMSMasterKeyID string `json:"KMSMasterKeyId"`
	}
}

// Create makes a table, on demand whatever its template says of capacity: the part knows no limits.
// Ref returns its name.
func (t table) Create(ctx context.Context, r resource.Resource) (resource.Created, error) {
	var p tableProperties
	if err := weakjson.Decode(r.Properties, &p); err != nil {
		return resource.Created{}, err
	}
	name := r.Name("TableName")
	_, err := t.DynamoDB.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: aws.String(name), AttributeDefinitions: p.AttributeDefinitions, KeySchema: p.KeySchema,
		GlobalSecondaryIndexes: p.GlobalSecondaryIndexes, LocalSecondaryIndexes: p.LocalSecondaryIndexes,
		BillingMode: types.BillingModePayPerRequest, DeletionProtectionEnabled: aws.Bool(bool(p.DeletionProtectionEnabled)),
	})
	var exists *types.ResourceInUseException
	if err != nil && !errors.As(err, &exists) {
		return resource.Created{}, fmt.Errorf("create table %s: %w", name, err)
	}
	return t.made(name, p), nil
}

// made notes a table's key, and says what Ref and Fn::GetAtt of it are.
func (t table) made(name string, p tableProperties) resource.Created {
	arn := t.arn("dynamodb", "table/"+name)
	t.Policies.PutKeyOf(arn, p.SSESpecification.KMSMasterKeyID)
	return resource.Created{PhysicalID: name, Attributes: map[string]any{"Arn": arn}}
}

// Delete deletes a table that is not protected against it.
func (t table) Delete(ctx context.Context, r resource.Resource) error {
	_, err := t.DynamoDB.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: aws.String(r.PhysicalID)})
	var gone *types.ResourceNotFoundException
	if err != nil && !errors.As(err, &gone) {
		return fmt.Errorf("delete table %s: %w", r.PhysicalID, err)
	}
	t.Policies.DeleteResource(t.arn("dynamodb", "table/"+r.PhysicalID))
	return nil
}
