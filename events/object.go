package events

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// object is the JSON object that a message consists of. It is read member by member, so that what is wrong with
// one leaves the others readable.
type object struct {
	values map[string]jsontext.Value
	bad    map[string]*FieldError // known names whose meaning is in doubt
	twice  bool                   // another name is there twice
}

// readObject reads an object of a known set of names. Its error is about the body as a whole.
func readObject(body []byte, limit int, known ...string) (object, *FieldError) {
	o := object{values: map[string]jsontext.Value{}, bad: map[string]*FieldError{}}
	if invalid := checkBody(body, limit); invalid != nil {
		return o, invalid
	}
	decoder := jsontext.NewDecoder(bytes.NewReader(body), jsontext.AllowDuplicateNames(true))
	start, err := decoder.ReadToken()
	if err != nil {
		return o, &FieldError{Field: FieldBody, Reason: "is not JSON"}
	}
	if start.Kind() != jsontext.KindBeginObject {
		return o, &FieldError{Field: FieldBody, Reason: "is not a JSON object"}
	}
	for decoder.PeekKind() != jsontext.KindEndObject {
		token, err := decoder.ReadToken()
		if err != nil {
			return o, &FieldError{Field: FieldBody, Reason: "is not JSON"}
		}
		name := token.String()
		value, err := decoder.ReadValue()
		if err != nil {
			return o, &FieldError{Field: FieldBody, Reason: "is not JSON"}
		}
		o.add(name, value.Clone(), known)
	}
	_, _ = decoder.ReadToken() // the end, which is there
	if decoder.PeekKind() != jsontext.KindInvalid {
		return o, &FieldError{Field: FieldBody, Reason: "is not JSON"} // something follows
	}
	return o, nil
}

func checkBody(body []byte, limit int) *FieldError {
	switch err := checkShape(body, limit); {
	case errors.Is(err, errTooLong):
		return &FieldError{Field: FieldBody, Reason: fmt.Sprintf("is longer than %d bytes", limit)}
	case errors.Is(err, errTooDeep):
		return &FieldError{Field: FieldBody, Reason: fmt.Sprintf("has more than %d values within each other", maxDepth)}
	case err != nil:
		return &FieldError{Field: FieldBody, Reason: "is not JSON"}
	}
	return nil
}

func (o *object) add(name string, value jsontext.Value, known []string) {
	_, again := o.values[name]
	o.values[name] = value
	i := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, name) })
	switch {
	case i < 0:
		o.twice = o.twice || again
	case name != known[i]:
		o.bad[known[i]] = &FieldError{Field: known[i], Reason: "is spelt in other letters"}
	case again && o.bad[name] == nil:
		o.bad[name] = &FieldError{Field: name, Reason: "is there more than once"}
	}
}

// text is the value of a member that is to be a string; "" if it is not there, or is null.
func (o *object) text(name string) (string, *FieldError) {
	if bad := o.bad[name]; bad != nil {
		return "", bad
	}
	value, ok := o.values[name]
	if !ok || value.Kind() == jsontext.KindNull {
		return "", nil
	}
	if kind := value.Kind(); kind != jsontext.KindString {
		return "", &FieldError{Field: name, Reason: "is not a string but " + kindName(kind)}
	}
	var text string
	if err := json.Unmarshal(value, &text); err != nil {
		return "", &FieldError{Field: name, Reason: "is not a string"}
	}
	return text, nil
}

func kindName(k jsontext.Kind) string {
	switch k {
	case jsontext.KindNumber:
		return "number"
	case jsontext.KindBeginArray:
		return "array"
	case jsontext.KindBeginObject:
		return "object"
	default:
		return "bool"
	}
}
