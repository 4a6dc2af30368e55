package quotas

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	stacktypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	alarmtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/rds"

	"headroom/internal/pool"
)

// standing are the statuses of stacks that count against the quota: all but the one of those that are gone.
var standing = slices.DeleteFunc(stacktypes.StackStatus("").Values(), func(s stacktypes.StackStatus) bool {
	return s == stacktypes.StackStatusDeleteComplete
})

// counted are the account's stacks, and which of them are hosts of the stage.
type counted struct {
	standing     int
	made, moving map[pool.Kind]int
}

func (a *Account) stacks(ctx context.Context) (counted, error) {
	c := counted{made: map[pool.Kind]int{}, moving: map[pool.Kind]int{}}
	pages := cloudformation.NewListStacksPaginator(a.Stacks, &cloudformation.ListStacksInput{StackStatusFilter: standing})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return c, fmt.Errorf("list the stacks: %w", err)
		}
		c.standing += len(page.StackSummaries)
		for _, s := range page.StackSummaries {
			host, ok := strings.CutPrefix(aws.ToString(s.StackName), "headroom-"+a.Stage+"-")
			key, _, err := pool.HostID(host).Parse()
			switch {
			case !ok || err != nil:
			case isMade(s.StackStatus):
				c.made[key.Kind]++
			default:
				c.moving[key.Kind]++
			}
		}
	}
	return c, nil
}

// isMade reports whether all resources of a stack of such a status are there: it was made once, and is not being deleted.
func isMade(s stacktypes.StackStatus) bool {
	return s == stacktypes.StackStatusCreateComplete || strings.HasPrefix(string(s), "UPDATE_") || strings.HasPrefix(string(s), "IMPORT_")
}

// usedOfRDS is what RDS counts itself, by its names.
func (a *Account) usedOfRDS(ctx context.Context) (map[string]int, error) {
	out, err := a.Databases.DescribeAccountAttributes(ctx, &rds.DescribeAccountAttributesInput{})
	if err != nil {
		return nil, fmt.Errorf("ask RDS what it counts: %w", err)
	}
	used := map[string]int{}
	for _, q := range out.AccountQuotas {
		used[aws.ToString(q.AccountQuotaName)] = int(aws.ToInt64(q.Used))
	}
	for _, name := range byRDS {
		if _, said := used[name]; !said {
			return nil, fmt.Errorf("RDS does not say how many %s there are", name)
		}
	}
	return used, nil
}

// roles asks IAM how many roles there may be, and are (IAM API Reference, GetAccountSummary).
func (a *Account) roles(ctx context.Context) (most, used int, err error) {
	out, err := a.Roles.GetAccountSummary(ctx, &iam.GetAccountSummaryInput{})
	if err != nil {
		return 0, 0, fmt.Errorf("ask IAM what it counts: %w", err)
	}
	limit, said := out.SummaryMap["RolesQuota"]
	there, counted := out.SummaryMap["Roles"]
	if !said || !counted {
		return 0, 0, fmt.Errorf("IAM does not say how many roles there are")
	}
	return int(limit), int(there), nil
}

func (a *Account) alarms(ctx context.Context) (used int, err error) {
	pages := cloudwatch.NewDescribeAlarmsPaginator(a.Alarms, &cloudwatch.DescribeAlarmsInput{
		MaxRecords: aws.Int32(100), AlarmTypes: []alarmtypes.AlarmType{alarmtypes.AlarmTypeMetricAlarm, alarmtypes.AlarmTypeCompositeAlarm},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return 0, fmt.Errorf("count the alarms: %w", err)
		}
		used += len(page.MetricAlarms) + len(page.CompositeAlarms)
	}
	return used, nil
}

// pageMost is how many things an answer of EC2 has at most.
const pageMost = 1000

// processors counts vCPUs of machines that count against the quota of on-demand standard ones: those that run, or are about to (EC2
// user guide, "Amazon EC2 instance type quotas").
func (a *Account) processors(ctx context.Context) (used int, err error) {
	pages := ec2.NewDescribeInstancesPaginator(a.Machines, &ec2.DescribeInstancesInput{
		MaxResults: aws.Int32(pageMost), Filters: []types.Filter{{Name: aws.String("instance-state-name"), Values: []string{"pending", "running"}}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return 0, fmt.Errorf("count the machines' vCPUs: %w", err)
		}
		for _, r := range page.Reservations {
			for _, i := range r.Instances {
				if i.InstanceLifecycle == "" && isStandard(i.InstanceType) && i.CpuOptions != nil { // a lifecycle is one of Spot's and others'
					used += int(aws.ToInt32(i.CpuOptions.CoreCount) * aws.ToInt32(i.CpuOptions.ThreadsPerCore))
				}
			}
		}
	}
	return used, nil
}

// standardFamilies are the letters that types of standard machines begin with. Im and Is are families of I.
var standardFamilies = []string{"a", "c", "d", "h", "i", "im", "is", "m", "r", "t", "z"}

func isStandard(t types.InstanceType) bool {
	family, _, _ := strings.Cut(string(t), ".")
	at := strings.IndexAny(family, "0123456789")
	return at > 0 && slices.Contains(standardFamilies, family[:at])
}

// storage counts the GiB of gp3 volumes.
func (a *Account) storage(ctx context.Context) (used int, err error) {
	pages := ec2.NewDescribeVolumesPaginator(a.Machines, &ec2.DescribeVolumesInput{
		MaxResults: aws.Int32(pageMost), Filters: []types.Filter{{Name: aws.String("volume-type"), Values: []string{"gp3"}}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return 0, fmt.Errorf("count the volumes' storage: %w", err)
		}
		for _, v := range page.Volumes {
			used += int(aws.ToInt32(v.Size))
		}
	}
	return used, nil
}

func (a *Account) interfaces(ctx context.Context) (used int, err error) {
	pages := ec2.NewDescribeNetworkInterfacesPaginator(a.Machines, &ec2.DescribeNetworkInterfacesInput{MaxResults: aws.Int32(pageMost)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return 0, fmt.Errorf("count the network interfaces: %w", err)
		}
		used += len(page.NetworkInterfaces)
	}
	return used, nil
}

func (a *Account) groups(ctx context.Context) (used int, err error) {
	pages := ec2.NewDescribeSecurityGroupsPaginator(a.Machines, &ec2.DescribeSecurityGroupsInput{MaxResults: aws.Int32(pageMost)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return 0, fmt.Errorf("count the security groups: %w", err)
		}
		used += len(page.SecurityGroups)
	}
	return used, nil
}
