package template_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"headroom/internal/local/cloudformation/template"
)

// scope has one created resource, Queue.
func scope(parameters map[string]any) template.Scope {
	return template.Scope{
		Account: "123456789012", Region: "eu-west-1", StackName: "s", StackID: "arn:stack", Parameters: parameters,
		Physical: func(id string) (string, bool) { return "queue-url", id == "Queue" },
		Attribute: func(id, name string) (any, bool) {
			return "queue-" + name, id == "Queue" && name == "Arn"
		},
	}
}

// parse makes a template of a Queue and what else is given.
func parse(t *testing.T, more string) *template.Template {
	t.Helper()
	parsed, err := template.Parse([]byte(`{"Resources":{"Queue":{"Type":"AWS::SQS::Queue"}}` + more + `}`))
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestFunctionsAreEvaluated(t *testing.T) {
	const conditions = `,"Conditions":{"Yes":{"Fn::Equals":[{"Ref":"P"},"v"]},"No":{"Fn::Not":[{"Condition":"Yes"}]},
		"Both":{"Fn::And":[{"Condition":"Yes"},{"Condition":"No"}]},"Either":{"Fn::Or":[{"Condition":"Yes"},{"Condition":"No"}]}},
		"Mappings":{"M":{"a":{"b":"found"}}}`
	tests := []struct{ name, value, want string }{
		{"plain values stay", `{"a":[1,true,"x"]}`, `{"a":[1,true,"x"]}`},
		{"Ref of a parameter", `{"Ref":"P"}`, `"v"`},
		{"Ref of a resource", `{"Ref":"Queue"}`, `"queue-url"`},
		{"Ref of a pseudo parameter", `{"Ref":"AWS::Region"}`, `"eu-west-1"`},
		{"GetAtt of a list", `{"Fn::GetAtt":["Queue","Arn"]}`, `"queue-Arn"`},
		{"GetAtt of a text", `{"Fn::GetAtt":"Queue.Arn"}`, `"queue-Arn"`},
		{"Join", `{"Fn::Join":["-",["a",{"Ref":"P"},3]]}`, `"a-v-3"`},
		{"Join does not write exponents", `{"Fn::Join":["",[1209600000]]}`, `"1209600000"`},
		{"Sub", `{"Fn::Sub":"${P}/${Queue.Arn}/${AWS::AccountId}/${!literal}"}`, `"v/queue-Arn/123456789012/${literal}"`},
		{"Sub with variables", `{"Fn::Sub":["${X}${P}",{"X":{"Ref":"AWS::StackName"}}]}`, `"sv"`},
		{"Select of Split", `{"Fn::Select":[1,{"Fn::Split":[",","a,b"]}]}`, `"b"`},
		{"If", `{"Fn::If":["Yes","then","else"]}`, `"then"`},
		{"NoValue leaves a property out", `{"a":{"Fn::If":["No","x",{"Ref":"AWS::NoValue"}]},"b":[{"Ref":"AWS::NoValue"},1]}`, `{"b":[1]}`},
		{"conditions combine", `[{"Fn::If":["Both",1,2]},{"Fn::If":["Either",1,2]}]`, `[2,1]`},
		{"FindInMap", `{"Fn::FindInMap":["M","a","b"]}`, `"found"`},
		{"zones", `{"Fn::Select":[0,{"Fn::GetAZs":""}]}`, `"eu-west-1a"`},
		{"Cidr", `{"Fn::Cidr":["10.40.0.0/16",3,12]}`, `["10.40.0.0/20","10.40.16.0/20","10.40.32.0/20"]`},
		{"Base64", `{"Fn::Base64":"hello"}`, `"aGVsbG8="`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var value, want any
			if err := errors.Join(json.Unmarshal([]byte(tt.value), &value), json.Unmarshal([]byte(tt.want), &want)); err != nil {
				t.Fatal(err)
			}
			got, err := parse(t, conditions).Evaluate(scope(map[string]any{"P": "v"}), value)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhatCannotBeEvaluatedIsAnError(t *testing.T) {
	tests := []struct{ name, value, want string }{
		{"an attribute that a resource lacks", `{"Fn::GetAtt":["Queue","Color"]}`, "requested attribute Color does not exist in resource Queue of type AWS::SQS::Queue"},
		{"a function that is not supported", `{"Fn::Transform":{}}`, "Fn::Transform is not supported"},
		{"an unknown condition", `{"Fn::If":["Maybe",1,2]}`, "condition Maybe is not defined"},
		{"an index beyond the list", `{"Fn::Select":[7,["a"]]}`, "Fn::Select cannot select"},
		{"an attribute inside a text", `{"Fn::Sub":"${Queue.Color}"}`, "requested attribute Color"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var value any
			if err := json.Unmarshal([]byte(tt.value), &value); err != nil {
				t.Fatal(err)
			}
			if _, err := parse(t, "").Evaluate(scope(nil), value); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestParametersAreResolved(t *testing.T) {
	parsed := parse(t, `,"Parameters":{
		"Plain":{"Type":"String"},"Number":{"Type":"Number","Default":80},"List":{"Type":"CommaDelimitedList","Default":"a, b"},
		"Image":{"Type":"AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>","Default":"/aws/image"},"Few":{"Type":"String","Default":"1","AllowedValues":["1","2"]}}`)
	lookup := func(_ context.Context, name string) (string, error) { return "value of " + name, nil }
	got, err := parsed.Resolve(t.Context(), map[string]string{"Plain": "x"}, lookup)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"Plain": "x", "Number": "80", "List": []any{"a", "b"}, "Image": "value of /aws/image", "Few": "1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for words, given := range map[string]map[string]string{
		"[Plain] must have values":             {},
		"[Other] do not exist in the template": {"Plain": "x", "Other": "y"},
		"'Few' must be one of AllowedValues":   {"Plain": "x", "Few": "3"},
	} {
		if _, err := parsed.Resolve(t.Context(), given, lookup); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("error %v, want %q", err, words)
		}
	}
}

func TestResourcesComeAfterWhatTheyNeed(t *testing.T) {
	parsed, err := template.Parse([]byte(`{"Resources":{
		"A":{"Type":"T","Properties":{"x":{"Fn::Sub":"${B.Arn}"}}},
		"B":{"Type":"T","DependsOn":"D"},
		"C":{"Type":"T","Properties":{"x":{"Fn::If":["c",{"Ref":"A"},{"Fn::GetAtt":["B","y"]}]}}},
		"D":{"Type":"T","DependsOn":[]}}}`))
	if err != nil {
		t.Fatal(err)
	}
	order, err := parsed.Order()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(order, ""); got != "DBAC" {
		t.Errorf("order %s", got)
	}
	if got := strings.Join(parsed.Dependencies("C"), ""); got != "AB" {
		t.Errorf("C depends on %s", got)
	}
}

func TestBadTemplatesAreRefused(t *testing.T) {
	for document, words := range map[string]string{
		`{`:                "parse template",
		`{"Resources":{}}`: "at least one Resources member",
		`{"Resources":{"A":{"Type":"T","Properties":{"x":{"Ref":"Z"}}}}}`:                   "unresolved resource dependency [Z]",
		`{"Resources":{"A":{"Type":"T","DependsOn":"B"},"B":{"Type":"T","DependsOn":"A"}}}`: "circular dependency",
	} {
		if _, err := template.Parse([]byte(document)); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: error %v, want %q", document, err, words)
		}
	}
}
