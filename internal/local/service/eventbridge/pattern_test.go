package eventbridge

import (
	"encoding/json"
	"testing"
)

func TestPatternMatches(t *testing.T) {
	const event = `{
		"source": "aws.cloudformation", "detail-type": "CloudFormation Stack Status Change",
		"resources": ["arn:aws:cloudformation:eu-west-1:123456789012:stack/headroom-dev-share-standard-3/uuid"],
		"detail": {"status-details": {"status": "CREATE_COMPLETE", "status-reason": ""}, "count": 5, "address": "10.0.0.7",
			"list": [{"a": 1}, {"a": 2}], "empty": [], "null": null, "flag": true}
	}`
	for _, test := range []struct {
		name, pattern string
		want          bool
	}{
		{"exact", `{"source": ["aws.cloudformation"]}`, true},
		{"exact of another", `{"source": ["aws.cloudwatch"]}`, false},
		{"one of several", `{"source": ["aws.cloudwatch", "aws.cloudformation"]}`, true},
		{"all fields must match", `{"source": ["aws.cloudformation"], "detail-type": ["other"]}`, false},
		{"prefix in a list", `{"resources": [{"prefix": "arn:aws:cloudformation:eu-west-1:123456789012:stack/headroom-dev-share-"}]}`, true},
		{"prefix of another stage", `{"resources": [{"prefix": "arn:aws:cloudformation:eu-west-1:123456789012:stack/headroom-prod-share-"}]}`, false},
		{"prefix without case", `{"source": [{"prefix": {"equals-ignore-case": "AWS."}}]}`, true},
		{"suffix", `{"source": [{"suffix": ".cloudformation"}]}`, true},
		{"nested", `{"detail": {"status-details": {"status": ["CREATE_COMPLETE"]}}}`, true},
		{"nested of another", `{"detail": {"status-details": {"status": ["CREATE_FAILED"]}}}`, false},
		{"anything but", `{"detail": {"status-details": {"status": [{"anything-but": "CREATE_COMPLETE"}]}}}`, false},
		{"anything but a list", `{"detail": {"status-details": {"status": [{"anything-but": ["DELETE_COMPLETE", "x"]}]}}}`, true},
		{"anything but a prefix", `{"detail": {"status-details": {"status": [{"anything-but": {"prefix": "CREATE_"}}]}}}`, false},
		{"anything but a suffix", `{"detail": {"status-details": {"status": [{"anything-but": {"suffix": "_FAILED"}}]}}}`, true},
		{"anything but needs the field", `{"detail": {"missing": [{"anything-but": "x"}]}}`, false},
		{"exists", `{"detail": {"count": [{"exists": true}]}}`, true},
		{"exists not", `{"detail": {"missing": [{"exists": false}]}}`, true},
		{"exists not below what is missing", `{"detail": {"missing": {"field": [{"exists": false}]}}}`, true},
		{"exists is not for what is there", `{"detail": {"count": [{"exists": false}]}}`, false},
		{"numeric range", `{"detail": {"count": [{"numeric": [">", 0, "<=", 5]}]}}`, true},
		{"numeric range passed", `{"detail": {"count": [{"numeric": [">", 5]}]}}`, false},
		{"number", `{"detail": {"count": [5]}}`, true},
		{"null", `{"detail": {"null": [null]}}`, true},
		{"null is not what is missing", `{"detail": {"missing": [null]}}`, false},
		{"boolean", `{"detail": {"flag": [true]}}`, true},
		{"wildcard", `{"source": [{"wildcard": "aws.*form*"}]}`, true},
		{"wildcard that overlaps", `{"source": [{"wildcard": "aws.cloudformation*cloudformation"}]}`, false},
		{"equals without case", `{"source": [{"equals-ignore-case": "AWS.CloudFormation"}]}`, true},
		{"cidr", `{"detail": {"address": [{"cidr": "10.0.0.0/24"}]}}`, true},
		{"cidr of another network", `{"detail": {"address": [{"cidr": "10.1.0.0/24"}]}}`, false},
		{"objects in a list", `{"detail": {"list": {"a": [2]}}}`, true},
		{"either", `{"$or": [{"source": ["x"]}, {"detail": {"count": [5]}}]}`, true},
		{"neither", `{"$or": [{"source": ["x"]}, {"detail": {"count": [6]}}]}`, false},
		{"value in an empty list", `{"detail": {"empty": ["x"]}}`, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var decoded map[string]any
			if err := json.Unmarshal([]byte(event), &decoded); err != nil {
				t.Fatal(err)
			}
			matches, err := compile(json.RawMessage(test.pattern))
			if err != nil {
				t.Fatal(err)
			}
			if got := matches(decoded); got != test.want {
				t.Errorf("matches: %v, want %v", got, test.want)
			}
		})
	}
}

func TestPatternIsRefused(t *testing.T) {
	for name, pattern := range map[string]string{
		"empty":                   `{}`,
		"value outside a list":    `{"source": "aws.cloudformation"}`,
		"empty list":              `{"source": []}`,
		"unknown operator":        `{"source": [{"sounds-like": "x"}]}`,
		"two operators":           `{"source": [{"prefix": "x", "suffix": "y"}]}`,
		"list in a list":          `{"source": [["x"]]}`,
		"prefix without a string": `{"source": [{"prefix": 5}]}`,
		"numeric without a pair":  `{"source": [{"numeric": [">"]}]}`,
		"exists with a string":    `{"source": [{"exists": "yes"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := compile(json.RawMessage(pattern)); err == nil {
				t.Error("it was accepted")
			}
		})
	}
}

func TestRate(t *testing.T) {
	for expression, want := range map[string]string{"rate(1 minute)": "1m0s", "rate(5 minutes)": "5m0s", "rate(2 hours)": "2h0m0s", "rate(1 day)": "24h0m0s"} {
		if got, err := rate(expression); err != nil || got.String() != want {
			t.Errorf("%s: %v, %v", expression, got, err)
		}
	}
	for _, expression := range []string{"", "rate(1)", "rate(0 minutes)", "rate(5 seconds)", "cron(0 * * * ? *)", "rate(1 minute"} {
		if _, err := rate(expression); err == nil {
			t.Errorf("%q was accepted", expression)
		}
	}
}
