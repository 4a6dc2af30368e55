package pool

import (
	"strings"
	"testing"
)

func TestAnUpdateReplacesNothingThatHoldsData(t *testing.T) {
	change := func(action, kind, replacement string) ResourceChange {
		return ResourceChange{Action: action, Resource: "It", Type: kind, Replacement: replacement}
	}
	tests := []struct {
		change  ResourceChange
		refused string // empty: it is not
	}{
		{change("Add", "AWS::CloudWatch::Alarm", ""), ""},
		{change("Modify", "AWS::CloudWatch::Alarm", "True"), ""},
		{change("Remove", "AWS::CloudWatch::Alarm", ""), ""},
		{change("Add", "AWS::S3::Bucket", ""), ""},
		{change("Modify", "AWS::S3::Bucket", "False"), ""},
		{change("Modify", "AWS::S3::Bucket", "True"), "replaced (True)"},
		{change("Modify", "AWS::EC2::Instance", "Conditional"), "changed (Conditional)"},
		{change("Modify", "AWS::EC2::Instance", "True"), "changed (True)"},
		{change("Modify", "AWS::EC2::Volume", "True"), "changed (True)"},
		{change("Modify", "AWS::EC2::Volume", "False"), "changed (False)"}, // its size
		{change("Modify", "AWS::EC2::Instance", "False"), "changed (False)"},
		{ResourceChange{Action: "Modify", Resource: "It", Type: "AWS::EC2::Instance", Replacement: "False", Scope: []string{"Tags"}}, ""},
		{change("Modify", "AWS::EC2::NetworkInterface", "True"), "replaced (True)"},
		{change("Modify", "AWS::RDS::DBInstance", "Conditional"), "replaced (Conditional)"},
		{change("Modify", "AWS::IAM::Role", "True"), "replaced (True)"},
		{change("Remove", "AWS::EC2::Instance", ""), "Remove"},
		{change("Remove", "AWS::S3::BucketPolicy", ""), "Remove"},
		{change("Dynamic", "AWS::EC2::Instance", ""), "Dynamic"},
		{change("Modify", "AWS::IAM::Role", ""), "Modify"},
		{change("Import", "AWS::EC2::Volume", ""), "Import"},
	}
	for _, test := range tests {
		got := strings.Join(RefuseUpdate([]ResourceChange{change("Add", "AWS::EC2::Volume", ""), test.change}), "; ")
		if test.refused == "" && got != "" || test.refused != "" && !strings.Contains(got, test.refused) {
			t.Errorf("%+v: %q", test.change, got)
		}
	}
}
