// Package instances knows what RDS says of its instances. RDS's own events are sent at best, so it is asked as well.
package instances

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/pool"
)

const (
	// pageSize is the most that one answer names (DescribeDBInstances: 20 to 100).
	pageSize = 100
	// pagesMost bounds how many answers are read: more instances than any account's quota.
	pagesMost = 100
)

type client interface {
	DescribeDBInstances(ctx context.Context, in *rds.DescribeDBInstancesInput, opts ...func(*rds.Options)) (*rds.DescribeDBInstancesOutput, error)
}

// Instances is RDS.
type Instances struct{ Client client }

// Statuses returns the status of every instance whose name begins with a prefix, by its name.
func (i *Instances) Statuses(ctx context.Context, prefix string) (map[string]string, error) {
	statuses := map[string]string{}
	err := each(ctx, i.Client, func(found types.DBInstance) {
		if name := aws.ToString(found.DBInstanceIdentifier); strings.HasPrefix(name, prefix) {
			statuses[name] = aws.ToString(found.DBInstanceStatus)
		}
	})
	if err != nil {
		return nil, err
	}
	return statuses, nil
}

// Status returns the status of one instance; pool.ErrNotFound when there is none of the name.
func (i *Instances) Status(ctx context.Context, name string) (string, error) {
	found, err := describe(ctx, i.Client, name)
	if err != nil {
		return "", fmt.Errorf("look at database instance %s: %w", name, err)
	}
	return aws.ToString(found.DBInstanceStatus), nil
}

// each goes through all instances.
func each(ctx context.Context, from client, do func(types.DBInstance)) error {
	var marker *string
	for range pagesMost {
		out, err := from.DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{MaxRecords: aws.Int32(pageSize), Marker: marker})
		if err != nil {
			return fmt.Errorf("list the database instances: %w", err)
		}
		for _, instance := range out.DBInstances {
			do(instance)
		}
		if marker = out.Marker; aws.ToString(marker) == "" {
			return nil
		}
	}
	return fmt.Errorf("list the database instances: there is no end to them after %d pages", pagesMost)
}

// describe looks at one instance; pool.ErrNotFound when there is none of the name.
func describe(ctx context.Context, from client, name string) (types.DBInstance, error) {
	out, err := from.DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{DBInstanceIdentifier: &name})
	if awsclient.IsNotFound(err) || err == nil && len(out.DBInstances) == 0 {
		return types.DBInstance{}, pool.ErrNotFound
	}
	if err != nil {
		return types.DBInstance{}, err
	}
	return out.DBInstances[0], nil
}
