// Package weakjson decodes what template properties and query parameters become on their way: numbers
// and booleans as strings, one value where a list is meant, names in another case.
package weakjson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Decode fills into, a pointer to a struct with json tags, from values of a call or a resource.
func Decode(values map[string]any, into any) error {
	encoded, err := json.Marshal(values)
	if err != nil {
		return fmt.Errorf("encode loosely typed values: %w", err)
	}
	if err := json.Unmarshal(encoded, into); err != nil {
		return fmt.Errorf("decode loosely typed values: %w", err)
	}
	return nil
}

// Int is a whole number, written as a number or a string. An empty string is 0.
type Int int

// UnmarshalJSON reads 7, 7.0 and "7".
func (i *Int) UnmarshalJSON(data []byte) error {
	text := strings.Trim(string(data), `"`)
	if text == "" || text == "null" {
		return nil
	}
	number, err := strconv.ParseFloat(text, 64)
	if err != nil || number != float64(int(number)) {
		return fmt.Errorf("%q is not a whole number", text)
	}
	*i = Int(number)
	return nil
}

// Float is a number, written as one or as a string.
type Float float64

// UnmarshalJSON reads 0.5 and "0.5".
func (f *Float) UnmarshalJSON(data []byte) error {
	text := strings.Trim(string(data), `"`)
	if text == "" || text == "null" {
		return nil
	}
	number, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return fmt.Errorf("%q is not a number", text)
	}
	*f = Float(number)
	return nil
}

// Bool is a boolean, written as one or as a string.
type Bool bool

// UnmarshalJSON reads true and "true".
func (b *Bool) UnmarshalJSON(data []byte) error {
	text := strings.Trim(string(data), `"`)
	if text == "" || text == "null" {
		return nil
	}
	value, err := strconv.ParseBool(text)
	if err != nil {
		return fmt.Errorf("%q is not a boolean", text)
	}
	*b = Bool(value)
	return nil
}

// Text is a string, also when it was written as a number or a boolean.
type Text string

// UnmarshalJSON reads "x", 7 and true.
func (t *Text) UnmarshalJSON(data []byte) error {
	if bytes.Equal(data, []byte("null")) {
		return nil
	}
	if len(data) > 0 && data[0] == '"' {
		return json.Unmarshal(data, (*string)(t))
	}
	*t = Text(data)
	return nil
}

// Texts is a list of strings, also when one string stands for it.
type Texts []string

// UnmarshalJSON reads ["a","b"] and "a".
func (t *Texts) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '[' {
		var list []Text
		if err := json.Unmarshal(data, &list); err != nil {
			return err
		}
		*t = nil
		for _, text := range list {
			*t = append(*t, string(text))
		}
		return nil
	}
	var one Text
	if err := one.UnmarshalJSON(data); err != nil {
		return err
	}
	if one != "" {
		*t = Texts{string(one)}
	}
	return nil
}

// Tag is a tag, in the shape that all of these services share.
type Tag struct {
	Key   string `json:"Key"`
	Value Text   `json:"Value"`
}

// Tags folds a list of tags into a map over what is there already, which may be nil.
func Tags(over map[string]string, list []Tag) map[string]string {
	folded := make(map[string]string, len(over)+len(list))
	for key, value := range over {
		folded[key] = value
	}
	for _, tag := range list {
		folded[tag.Key] = string(tag.Value)
	}
	return folded
}
