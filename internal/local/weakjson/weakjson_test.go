package weakjson

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDecodeTakesValuesAsTheyCome(t *testing.T) {
	type shape struct {
		Port  Int
		Ratio Float
		On    Bool
		Name  Text
		List  Texts
	}
	want := shape{Port: 80, Ratio: 0.5, On: true, Name: "17", List: Texts{"a"}}
	for name, values := range map[string]map[string]any{
		"as themselves": {"Port": 80, "Ratio": 0.5, "On": true, "Name": "17", "List": []any{"a"}},
		"as strings":    {"Port": "80", "Ratio": "0.5", "On": "true", "Name": 17, "List": "a"},
		"in other case": {"port": 80.0, "ratio": 0.5, "on": true, "name": "17", "list": "a"},
	} {
		var got shape
		if err := Decode(values, &got); err != nil || !cmp.Equal(got, want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for _, bad := range []map[string]any{{"Port": "x"}, {"Port": 0.5}, {"On": "maybe"}, {"Ratio": "much"}} {
		if err := Decode(bad, &shape{}); err == nil {
			t.Errorf("%v is taken", bad)
		}
	}
}
