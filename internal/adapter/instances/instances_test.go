package instances_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"headroom/internal/adapter/instances"
	"headroom/internal/pool"
)

// cloud is RDS with instances by name, which answers a page at a time.
type cloud struct {
	statuses map[string]string
	fail     error
}

func (c cloud) DescribeDBInstances(_ context.Context, in *rds.DescribeDBInstancesInput, _ ...func(*rds.Options)) (*rds.DescribeDBInstancesOutput, error) {
	if c.fail != nil {
		return nil, c.fail
	}
	out := &rds.DescribeDBInstancesOutput{}
	if in.DBInstanceIdentifier != nil {
		status, ok := c.statuses[*in.DBInstanceIdentifier]
		if !ok {
			return nil, &types.DBInstanceNotFoundFault{Message: aws.String("there is none")}
		}
		out.DBInstances = []types.DBInstance{{DBInstanceIdentifier: in.DBInstanceIdentifier, DBInstanceStatus: &status}}
		return out, nil
	}
	most := int(aws.ToInt32(in.MaxRecords))
	if most < 20 || most > 100 {
		return nil, fmt.Errorf("InvalidParameterValue: MaxRecords is %d", most)
	}
	names := slices.Sorted(maps.Keys(c.statuses))
	from, _ := strconv.Atoi(aws.ToString(in.Marker))
	for _, name := range names[from:min(from+most, len(names))] {
		out.DBInstances = append(out.DBInstances, types.DBInstance{DBInstanceIdentifier: &name, DBInstanceStatus: aws.String(c.statuses[name])})
	}
	if from+most < len(names) {
		out.Marker = aws.String(strconv.Itoa(from + most))
	}
	return out, nil
}

func TestStatusesAreThoseOfAllInstancesOfTheStage(t *testing.T) {
	all := map[string]string{"other-1": "failed", "headroom-dev-database-standard-250": "storage-full"}
	for i := range 249 {
		all[fmt.Sprintf("headroom-dev-database-standard-%d", i+1)] = "available"
	}
	i := &instances.Instances{Client: cloud{statuses: all}}
	got, err := i.Statuses(t.Context(), "headroom-dev-")
	if err != nil || len(got) != 250 || got["headroom-dev-database-standard-250"] != "storage-full" || got["other-1"] != "" {
		t.Errorf("%d statuses, %v", len(got), err)
	}
	if status, err := i.Status(t.Context(), "headroom-dev-database-standard-250"); status != "storage-full" || err != nil {
		t.Errorf("status %q, %v", status, err)
	}
	if _, err := i.Status(t.Context(), "headroom-dev-database-standard-251"); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("one that there is not: %v", err)
	}
}

func TestWhatCannotBeAskedIsAnError(t *testing.T) {
	i := &instances.Instances{Client: cloud{fail: errors.New("AccessDenied")}}
	if _, err := i.Statuses(t.Context(), "headroom-dev-"); err == nil {
		t.Error("statuses were told")
	}
	if _, err := i.Status(t.Context(), "headroom-dev-database-standard-1"); err == nil || errors.Is(err, pool.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}
