package main

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsrds"
	"github.com/aws/jsii-runtime-go"
)

// databaseLogs are the logs that an instance sends to CloudWatch: all that RDS has of PostgreSQL.
var databaseLogs = []string{"postgresql", "upgrade"}

// addDatabaseLogs makes the groups of an instance's logs before the instance is: RDS would make them itself,
// and keep what is in them for ever.
func addDatabaseLogs(stack awscdk.Stack, instance awsrds.CfnDBInstance, stage Stage) {
	removal := stage.LogRemoval
	if removal == awscdk.RemovalPolicy_RETAIN {
		removal = awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE // not of a host that never came to be
	}
	for _, name := range databaseLogs {
		id := strings.ToUpper(name[:1]) + name[1:] + "Logs"
		group := awslogs.NewLogGroup(stack, jsii.String(id), &awslogs.LogGroupProps{
			LogGroupName:  awscdk.Fn_Sub(jsii.String("/aws/rds/instance/"+databaseName+"/"+name), nil),
			Retention:     stage.LogRetention,
			RemovalPolicy: removal,
		})
		fixLogicalID(group, id)
		instance.Node().AddDependency(group)
	}
}
