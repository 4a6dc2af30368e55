package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"
)

// suppress says why cdk-nag's rule does not hold for a construct and what is below it.
// appliesTo narrows it to findings about these; without any it holds for the whole rule.
func suppress(c constructs.IConstruct, rule, reason string, appliesTo ...string) {
	s := &cdknag.NagPackSuppression{Id: jsii.String(rule), Reason: jsii.String(reason)}
	if len(appliesTo) > 0 {
		findings := make([]any, len(appliesTo))
		for i, f := range appliesTo {
			findings[i] = f
		}
		s.AppliesTo = &findings
	}
	cdknag.NagSuppressions_AddResourceSuppressions(c, &[]*cdknag.NagPackSuppression{s}, jsii.Bool(true))
}

// acknowledge says why a warning of CloudFormation's own checks does not hold for a construct.
func acknowledge(c constructs.IConstruct, rule, reason string) {
	awscdk.Validations_Of(c).Acknowledge(&awscdk.Acknowledgment{
		Id: jsii.String("CloudFormation-Validate::" + rule), Reason: jsii.String(reason),
	})
}
