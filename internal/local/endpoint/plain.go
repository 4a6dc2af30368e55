package endpoint

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// List is a list whose XML elements bear another name than the protocol's usual "member" or "item",
// such as RDS's "DBInstance". In JSON it is its Items.
type List struct {
	Element string
	Items   any // a slice
}

// plain turns an operation's result into maps with string keys, []any, strings, numbers and bools.
// Struct fields bear the name of their json tag; nil pointers, maps and slices are left out.
type plain struct {
	time func(time.Time) any
	list func(element string, items []any) any
}

// plainJSON is the form for the JSON protocols, where a time is a number of seconds.
func plainJSON(v any) any {
	p := plain{
		time: func(t time.Time) any { return float64(t.UnixMilli()) / 1000 },
		list: func(_ string, items []any) any { return items },
	}
	return p.of(reflect.ValueOf(v))
}

// plainXML is the form for the query protocols: times in RFC 3339, lists with their element's name.
func plainXML(v any, element string) any {
	p := plain{
		time: func(t time.Time) any { return t.UTC().Format("2006-01-02T15:04:05.000Z") },
		list: func(name string, items []any) any {
			if name == "" {
				name = element
			}
			return List{Element: name, Items: items}
		},
	}
	return p.of(reflect.ValueOf(v))
}

func (p plain) of(v reflect.Value) any {
	for v.IsValid() && (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	if !v.IsValid() {
		return nil
	}
	switch t := v.Interface().(type) {
	case time.Time:
		return p.time(t)
	case List:
		inner := p.of(reflect.ValueOf(t.Items))
		if named, ok := inner.(List); ok {
			inner = named.Items
		}
		items, _ := inner.([]any)
		return p.list(t.Element, items)
	case []byte:
		return base64.StdEncoding.EncodeToString(t)
	case json.Marshaler:
		return p.marshaled(t)
	}
	switch v.Kind() {
	case reflect.Map:
		return p.mapOf(v)
	case reflect.Slice, reflect.Array:
		items := make([]any, 0, v.Len())
		for i := range v.Len() {
			items = append(items, p.of(v.Index(i)))
		}
		return p.list("", items)
	case reflect.Struct:
		fields := map[string]any{}
		p.fields(v, fields)
		return fields
	default:
		return v.Interface()
	}
}

func (p plain) mapOf(v reflect.Value) any {
	m := make(map[string]any, v.Len())
	for iter := v.MapRange(); iter.Next(); {
		if value := p.of(iter.Value()); value != nil {
			m[fmt.Sprint(iter.Key().Interface())] = value
		}
	}
	return m
}

func (p plain) fields(v reflect.Value, into map[string]any) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if !field.IsExported() {
			continue
		}
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		if name == "" {
			name = field.Name
		}
		value := v.Field(i)
		switch value.Kind() {
		case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Interface:
			if value.IsNil() {
				continue
			}
		}
		if strings.Contains(options, "omitempty") && value.IsZero() {
			continue
		}
		into[name] = p.of(value)
	}
}

// marshaled takes what writes itself as JSON (raw messages, numbers) by what it writes.
func (p plain) marshaled(m json.Marshaler) any {
	encoded, err := m.MarshalJSON()
	if err != nil {
		return nil
	}
	var decoded any
	if json.Unmarshal(encoded, &decoded) != nil {
		return nil
	}
	return p.of(reflect.ValueOf(decoded))
}
