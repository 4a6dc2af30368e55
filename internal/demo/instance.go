package demo

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"
)

// instanceOf is the database instance that a tenant's database is on.
func instanceOf(ctx context.Context, cloud Cloud, t Tenant) (types.DBInstance, error) {
	out, err := rds.NewFromConfig(cloud.AWS()).DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{})
	if err != nil {
		return types.DBInstance{}, fmt.Errorf("look for the instance of %s: %w", t.ID, err)
	}
	for _, i := range out.DBInstances {
		if i.Endpoint != nil && aws.ToString(i.Endpoint.Address) == t.Ready.Database.Host && aws.ToInt32(i.Endpoint.Port) == int32(t.Ready.Database.Port) {
			return i, nil
		}
	}
	return types.DBInstance{}, errors.New("the database host is none of RDS's instances")
}
