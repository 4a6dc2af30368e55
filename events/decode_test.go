package events

import (
	"strings"
	"testing"
)

func TestAMessageHasOneMeaningOrNone(t *testing.T) {
	step := string(sample(t, "Step"))
	with := func(old, replacement string) string {
		if !strings.Contains(step, old) {
			t.Fatalf("the sample has no %s", old)
		}
		return strings.Replace(step, old, replacement, 1)
	}
	for _, test := range []struct{ name, body, want string }{
		{"a name that is there twice", with(`"of":`, `"of": "host", "of":`), "duplicate"},
		{"a name far inside that is there twice", with(`"shareId":`, `"shareId": "share-1", "shareId":`), "duplicate"},
		{"two messages", step + step, "after top-level value"},
		{"9,000 values within each other", `{"type":"Step","a":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + "}", "too deep"},
		{"more than SQS takes", `{"type":"Step","a":"` + strings.Repeat("a", 1<<20) + `"}`, "too long"},
		{"a number where text is wanted", with(`"of": "tenant"`, `"of": 5`), "string"},
		{"not JSON", "Step", "invalid"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var decoded Step
			if err := Decode([]byte(test.body), &decoded); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one about %q", err, test.want)
			}
			// What a message is, is told from the same body by the same rules.
			if kind := TypeOf([]byte(test.body)); kind != TypeSignupRequested && !strings.Contains(test.want, "string") {
				t.Errorf("it is taken for a %s", kind)
			}
		})
	}
}

func TestNamesAreTakenExactly(t *testing.T) {
	var step Step
	if err := Decode([]byte(`{"TYPE":"Step","Of":"host","ID":"share-standard-1"}`), &step); err != nil || step != (Step{}) {
		t.Errorf("%+v, %v", step, err)
	}
	if kind := TypeOf([]byte(`{"TYPE":"Step"}`)); kind != TypeSignupRequested {
		t.Errorf("it is taken for a %s", kind)
	}
}

func TestFieldsThatAWSAddsAreIgnored(t *testing.T) {
	for _, name := range []string{"StackStatusChange", "AlarmStateChange"} {
		body := strings.Replace(string(sample(t, name)), "{", `{"replay-name": {"anything": [1, 2]},`, 1)
		body = strings.Replace(body, `"detail": {`, `"detail": {"new": true,`, 1)
		if err := Decode([]byte(body), members[name].new()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
