package main

import (
	"fmt"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsrds"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

const (
	postgresPort = 5432
	// maxNetworks is how many networks of customers' instances a database host can let in.
	maxNetworks = 4
	// networksPattern is one to maxNetworks IPv4 networks, separated by commas. None is wider than
	// eight bits: the whole world can't be let in.
	networksPattern = networkPattern + `(,` + networkPattern + `){0,3}`
	networkPattern  = octetPattern + `([.]` + octetPattern + `){3}/([89]|[12][0-9]|3[0-2])`
	octetPattern    = `(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])`
	// databaseName names a host's instance, its parameter group and the like.
	databaseName = "headroom-${Stage}-${HostId}"
)

// NewDatabaseHost makes the template of a database host: an RDS instance for many tenants, and the
// alarms that take it out of service.
func NewDatabaseHost(scope constructs.Construct, id string, stage Stage) awscdk.Stack {
	stack := newHostTemplate(scope, id, "an RDS instance")
	p := hostParameters(stack)
	subnets := parameter(stack, "SubnetIds", "Subnets of the instance, separated by commas, in two zones or more", nil)
	networks := parameter(stack, "InstanceNetworks", "Networks of customers' instances, separated by commas", func(p *awscdk.CfnParameterProps) {
		p.AllowedPattern = jsii.String(networksPattern)
	})
	archivist := parameter(stack, "ArchivistSecurityGroupId", "Security group of the tasks that dump databases", nil)
	var zone *string // RDS refuses one for an instance with a standby in another
	if !stage.Databases.MultiZone {
		zone = zoneParameter(stack)
	}
	name := awscdk.Fn_Sub(jsii.String(databaseName), nil)

	group := newDatabaseGroup(stack, p, archivist, networks)
	instance := newDatabaseInstance(stack, databaseProps{
		Name: name, Sizes: stage.Databases, RestoreDays: stage.RestoreDays, Host: p, Group: group.AttrGroupId(), Zone: zone,
		Subnets: awscdk.Fn_Split(jsii.String(","), subnets, nil),
	})
	addDatabaseLogs(stack, instance, stage)
	addDatabaseAlarms(stack, name, stage.Databases)
	if !stage.Databases.MultiZone {
		suppress(instance, "AwsSolutions-RDS3", "This stage does without a standby, to save its price.")
	}
	if !stage.Databases.DeletionProtection {
		suppress(instance, "AwsSolutions-RDS10", "This stage holds nothing that may not be lost.")
	}
	suppress(instance, "AwsSolutions-RDS11", "Security groups, TLS and accounts protect it; another port would only surprise its users.")

	output(stack, "Address", instance.AttrEndpointAddress(), nil)
	output(stack, "Port", instance.AttrEndpointPort(), nil)
	output(stack, "MasterSecretArn", instance.AttrMasterUserSecretSecretArn(), nil)
	return stack
}

// newDatabaseGroup lets the functions in, the tasks that archive, and the networks in which customers' instances
// live. It can't tell tenants apart: their accounts and databases do that.
//
// The rules are part of the group, which the instance needs, and not resources of their own: so a bad
// one, such as a network that is given twice, fails the stack before there is an instance, which may
// be protected from deletion.
func newDatabaseGroup(stack awscdk.Stack, p hostParams, archivist, networks *string) awsec2.CfnSecurityGroup {
	group := awsec2.NewCfnSecurityGroup(stack, jsii.String("SecurityGroup"), &awsec2.CfnSecurityGroupProps{
		GroupDescription:     jsii.String("Headroom: a database"),
		VpcId:                p.Vpc,
		SecurityGroupIngress: databaseRules(stack, p, archivist, networks),
		// An instance answers; it calls nobody. Without a rule here CloudFormation would allow all.
		SecurityGroupEgress: []*awsec2.CfnSecurityGroup_EgressProperty{{
			IpProtocol: jsii.String("tcp"), FromPort: jsii.Number(postgresPort), ToPort: jsii.Number(postgresPort),
			CidrIp: jsii.String("127.0.0.1/32"), Description: jsii.String("Nobody"),
		}},
	})
	suppress(group, "CdkNagValidationFailure",
		"The networks are a parameter, whose pattern refuses any that is wider than eight bits.", "AwsSolutions-EC23")
	return group
}

// databaseRules are the group's rules of who is let in. A template can't loop over a list: it is
// padded to maxNetworks, and empty places are left out.
func databaseRules(stack awscdk.Stack, p hostParams, archivist, networks *string) []any {
	from := func(group *string, who string) any {
		return &awsec2.CfnSecurityGroup_IngressProperty{
			IpProtocol:            jsii.String("tcp"),
			FromPort:              jsii.Number(postgresPort),
			ToPort:                jsii.Number(postgresPort),
			SourceSecurityGroupId: group,
			Description:           jsii.String(who),
		}
	}
	rules := []any{from(p.ClientGroup, "Functions"), from(archivist, "Tasks that archive")}
	padded := *networks + strings.Repeat(",", maxNetworks-1)
	places := awscdk.Fn_Split(jsii.String(","), jsii.String(padded), nil)
	for n := range maxNetworks {
		network := awscdk.Fn_Select(jsii.Number(n), places)
		given := awscdk.NewCfnCondition(stack, jsii.String(fmt.Sprintf("HasNetwork%d", n+1)), &awscdk.CfnConditionProps{
			Expression: awscdk.Fn_ConditionNot(awscdk.Fn_ConditionEquals(network, jsii.String(""))),
		})
		// The CDK does not look into a choice: its property names are the template's.
		rules = append(rules, awscdk.Fn_ConditionIf(given.LogicalId(), map[string]any{
			"IpProtocol": "tcp", "FromPort": postgresPort, "ToPort": postgresPort,
			"CidrIp": network, "Description": "Instances of customers",
		}, awscdk.Aws_NO_VALUE()))
	}
	return rules
}

type databaseProps struct {
	Name        *string
	Sizes       DatabaseHosts
	RestoreDays int
	Host        hostParams
	Group       *string
	Subnets     *[]*string
	Zone        *string // nil: RDS chooses
}

func newDatabaseInstance(stack awscdk.Stack, p databaseProps) awsrds.CfnDBInstance {
	var subnetIDs []any // one token that stands for the whole list
	for _, s := range *p.Subnets {
		subnetIDs = append(subnetIDs, s)
	}
	subnetGroup := awsrds.NewCfnDBSubnetGroup(stack, jsii.String("SubnetGroup"), &awsrds.CfnDBSubnetGroupProps{
		DbSubnetGroupName:        p.Name,
		DbSubnetGroupDescription: jsii.String("Headroom: a database"),
		SubnetIds:                &subnetIDs,
	})
	parameters := awsrds.NewCfnDBParameterGroup(stack, jsii.String("ParameterGroup"), &awsrds.CfnDBParameterGroupProps{
		DbParameterGroupName: p.Name,
		Description:          awscdk.Fn_Sub(jsii.String("Headroom: database ${HostId} of tier ${Tier}"), nil),
		Family:               jsii.String("postgres17"),
		Parameters:           databaseParameters(p.Sizes),
	})
	instance := awsrds.NewCfnDBInstance(stack, jsii.String("Instance"), &awsrds.CfnDBInstanceProps{
		DbInstanceIdentifier:     p.Name,
		Engine:                   jsii.String("postgres"),
		EngineVersion:            jsii.String("17"),
		AutoMinorVersionUpgrade:  jsii.Bool(true),
		DbInstanceClass:          jsii.String(p.Sizes.Class),
		AllocatedStorage:         jsii.String(fmt.Sprint(p.Sizes.StorageGiB)),
		MaxAllocatedStorage:      jsii.Number(p.Sizes.MaxStorageGiB),
		StorageType:              jsii.String("gp3"),
		StorageEncrypted:         jsii.Bool(true),
		KmsKeyId:                 p.Host.KeyArn,
		Port:                     jsii.String(fmt.Sprint(postgresPort)),
		PubliclyAccessible:       jsii.Bool(false),
		DbSubnetGroupName:        subnetGroup.Ref(),
		DbParameterGroupName:     parameters.Ref(),
		VpcSecurityGroups:        &[]any{p.Group},
		MasterUsername:           jsii.String("headroom"),
		ManageMasterUserPassword: jsii.Bool(true),
		MasterUserSecret:         &awsrds.CfnDBInstance_MasterUserSecretProperty{KmsKeyId: p.Host.KeyArn},
		// Who connected, and how upgrades went: logs that stay on the instance are gone after three days.
		EnableCloudwatchLogsExports: jsii.Strings(databaseLogs...),
		MultiAz:                     jsii.Bool(p.Sizes.MultiZone),
		AvailabilityZone:            p.Zone,
		BackupRetentionPeriod:       jsii.Number(p.RestoreDays),
		CopyTagsToSnapshot:          jsii.Bool(true),
		DeleteAutomatedBackups:      jsii.Bool(!p.Sizes.DeletionProtection),
		DeletionProtection:          jsii.Bool(p.Sizes.DeletionProtection),
		Tags:                        &[]*awscdk.CfnTag{{Key: jsii.String("headroom:order"), Value: p.Host.Mark}},
	})
	instance.ApplyRemovalPolicy(p.Sizes.Removal, nil)
	return instance
}
