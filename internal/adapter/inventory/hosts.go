package inventory

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
	"github.com/aws/aws-sdk-go-v2/service/rds"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/pool/inventory"
)

// stageTag is the tag that bears the stage.
const stageTag = "headroom:stage"

// standing are the statuses of stacks that are there: all but the one of those that are gone.
var standing = slices.DeleteFunc(stacktypes.StackStatus("").Values(), func(s stacktypes.StackStatus) bool {
	return s == stacktypes.StackStatusDeleteComplete
})

// stacks lists the stacks' names, and describes those that have a host's: whoever looks may list all stacks, and needs to
// describe no other.
func (l *Looker) stacks(ctx context.Context, seen *inventory.Seen) error {
	var names []string
	pages := cloudformation.NewListStacksPaginator(l.Stacks, &cloudformation.ListStacksInput{StackStatusFilter: standing})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list the stacks: %w", err)
		}
		for _, s := range page.StackSummaries {
			if name := aws.ToString(s.StackName); strings.HasPrefix(name, l.prefix()) && s.RootId == nil {
				names = append(names, name)
			}
		}
	}
	for _, name := range names {
		out, err := l.Stacks.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
		switch {
		case awsclient.IsNotFound(err):
			continue // deleted since it was listed
		case err != nil:
			return fmt.Errorf("describe stack %s: %w", name, err)
		}
		for _, s := range out.Stacks {
			seen.Stacks = append(seen.Stacks, stackOf(s))
		}
	}
	return nil
}

func stackOf(s stacktypes.Stack) inventory.Stack {
	is := inventory.Stack{
		Name: aws.ToString(s.StackName), ID: aws.ToString(s.StackId), Status: string(s.StackStatus), Outputs: map[string]string{}, Parameters: map[string]string{},
	}
	for _, o := range s.Outputs {
		is.Outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	for _, p := range s.Parameters {
		is.Parameters[aws.ToString(p.ParameterKey)] = aws.ToString(p.ParameterValue)
	}
	tags := map[string]string{}
	for _, t := range s.Tags {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	is.Marks = inventory.MarksOf(tags)
	return is
}

func (l *Looker) instances(ctx context.Context, seen *inventory.Seen) error {
	pages := rds.NewDescribeDBInstancesPaginator(l.Instances, &rds.DescribeDBInstancesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list the database instances: %w", err)
		}
		for _, i := range page.DBInstances {
			tags := map[string]string{}
			for _, t := range i.TagList {
				tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
			}
			is := inventory.Instance{
				Name: aws.ToString(i.DBInstanceIdentifier), Status: aws.ToString(i.DBInstanceStatus), Marks: inventory.MarksOf(tags),
				Restoration: tags["headroom:restoration"], Made: aws.ToTime(i.InstanceCreateTime),
				Protected: aws.ToBool(i.DeletionProtection), Public: aws.ToBool(i.PubliclyAccessible), Encrypted: aws.ToBool(i.StorageEncrypted),
				BackupDays: int(aws.ToInt32(i.BackupRetentionPeriod)),
			}
			if i.CertificateDetails != nil {
				is.Certificate = aws.ToTime(i.CertificateDetails.ValidTill)
			}
			if i.MasterUserSecret != nil {
				is.MasterSecret = aws.ToString(i.MasterUserSecret.SecretArn)
			}
			for _, g := range i.VpcSecurityGroups {
				is.Groups = append(is.Groups, aws.ToString(g.VpcSecurityGroupId))
			}
			if is.Marks.Stage == l.Stage || strings.HasPrefix(is.Name, l.prefix()) {
				seen.Instances = append(seen.Instances, is)
			}
		}
	}
	return nil
}

// ofStage asks for what bears the stage's tag.
func (l *Looker) ofStage() []types.Filter {
	return []types.Filter{{Name: aws.String("tag:" + stageTag), Values: []string{l.Stage}}}
}

func ec2Marks(tags []types.Tag) inventory.Marks {
	all := map[string]string{}
	for _, t := range tags {
		all[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return inventory.MarksOf(all)
}

func (l *Looker) machines(ctx context.Context, seen *inventory.Seen) error {
	pages := ec2.NewDescribeInstancesPaginator(l.Machines, &ec2.DescribeInstancesInput{Filters: l.ofStage()})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list the machines: %w", err)
		}
		for _, r := range page.Reservations {
			for _, i := range r.Instances {
				if i.State == nil || i.State.Name == types.InstanceStateNameTerminated {
					continue
				}
				seen.Machines = append(seen.Machines, inventory.Machine{
					ID: aws.ToString(i.InstanceId), State: string(i.State.Name), Image: aws.ToString(i.ImageId), Marks: ec2Marks(i.Tags),
				})
			}
		}
	}
	return nil
}

func (l *Looker) volumes(ctx context.Context, seen *inventory.Seen) error {
	pages := ec2.NewDescribeVolumesPaginator(l.Machines, &ec2.DescribeVolumesInput{Filters: l.ofStage()})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list the volumes: %w", err)
		}
		for _, v := range page.Volumes {
			is := inventory.Volume{ID: aws.ToString(v.VolumeId), Marks: ec2Marks(v.Tags)}
			for _, at := range v.Attachments {
				is.Machine = aws.ToString(at.InstanceId)
			}
			seen.Volumes = append(seen.Volumes, is)
		}
	}
	return nil
}

const (
	// nfsPort is the port by which tenants come to their shares.
	nfsPort = 2049
	// groupsAtOnce is how many values a filter takes (EC2: 200).
	groupsAtOnce = 200
)

// groups are the stage's hosts' groups, and whom each lets in by address to the port of NFS.
func (l *Looker) groups(ctx context.Context, seen *inventory.Seen) error {
	at := map[string]int{}
	var ids []string
	pages := ec2.NewDescribeSecurityGroupsPaginator(l.Machines, &ec2.DescribeSecurityGroupsInput{Filters: l.ofStage()})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list the security groups: %w", err)
		}
		for _, g := range page.SecurityGroups {
			is := inventory.Group{ID: aws.ToString(g.GroupId), Marks: ec2Marks(g.Tags)}
			if is.Marks.Host == "" {
				continue // of the control plane
			}
			at[is.ID] = len(seen.Groups)
			ids, seen.Groups = append(ids, is.ID), append(seen.Groups, is)
		}
	}
	for some := range slices.Chunk(ids, groupsAtOnce) {
		rules := ec2.NewDescribeSecurityGroupRulesPaginator(l.Machines, &ec2.DescribeSecurityGroupRulesInput{
			Filters: []types.Filter{{Name: aws.String("group-id"), Values: some}},
		})
		for rules.HasMorePages() {
			page, err := rules.NextPage(ctx)
			if err != nil {
				return fmt.Errorf("list the rules of security groups: %w", err)
			}
			for _, r := range page.SecurityGroupRules {
				if aws.ToBool(r.IsEgress) || r.CidrIpv4 == nil || aws.ToInt32(r.FromPort) > nfsPort || aws.ToInt32(r.ToPort) < nfsPort && aws.ToInt32(r.ToPort) >= 0 {
					continue
				}
				if n, known := at[aws.ToString(r.GroupId)]; known {
					seen.Groups[n].Lets = append(seen.Groups[n].Lets, *r.CidrIpv4)
				}
			}
		}
	}
	return nil
}

func (l *Looker) alarms(ctx context.Context, seen *inventory.Seen) error {
	pages := cloudwatch.NewDescribeAlarmsPaginator(l.Alarms, &cloudwatch.DescribeAlarmsInput{
		AlarmNamePrefix: aws.String(l.prefix()), AlarmTypes: []alarmtypes.AlarmType{alarmtypes.AlarmTypeMetricAlarm},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("list the alarms: %w", err)
		}
		for _, a := range page.MetricAlarms {
			seen.Alarms = append(seen.Alarms, aws.ToString(a.AlarmName))
		}
	}
	return nil
}
