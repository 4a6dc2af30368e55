package endpoint

import (
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
)

// smithyCBOR is how a client says that it speaks Smithy's RPC v2 with CBOR.
const smithyCBOR = "rpc-v2-cbor"

// readCBOR reads a call whose operation is in its path: /service/<shape>/operation/<name>.
func readCBOR(call *Call) error {
	path := call.Request.URL.Path
	call.Operation = path[strings.LastIndex(path, "/")+1:]
	call.Params = map[string]any{}
	if len(call.Body) == 0 {
		return nil
	}
	decoded, err := cbor.Decode(call.Body)
	if err != nil {
		return &Error{Code: "SerializationException", Message: fmt.Sprintf("request body is no CBOR: %v", err)}
	}
	params, ok := fromCBOR(decoded).(map[string]any)
	if !ok {
		return &Error{Code: "SerializationException", Message: "request body is no CBOR map"}
	}
	call.Params = params
	return nil
}

// fromCBOR makes of a value what JSON would be read as: a time is a number of seconds.
func fromCBOR(value cbor.Value) any {
	switch v := value.(type) {
	case cbor.Map:
		m := make(map[string]any, len(v))
		for name, member := range v {
			m[name] = fromCBOR(member)
		}
		return m
	case cbor.List:
		list := make([]any, len(v))
		for i, element := range v {
			list[i] = fromCBOR(element)
		}
		return list
	case *cbor.Tag:
		return fromCBOR(v.Value)
	case cbor.String:
		return string(v)
	case cbor.Slice:
		return []byte(v)
	case cbor.Bool:
		return bool(v)
	case cbor.Uint:
		return float64(v)
	case cbor.NegInt:
		return -float64(v)
	case cbor.Float32:
		return float64(v)
	case cbor.Float64:
		return float64(v)
	}
	return nil
}

// epochTag marks a number of seconds as a time.
const epochTag = 1

// epoch is a time on its way into CBOR.
type epoch float64

// answerCBOR writes a result or an error in CBOR.
func answerCBOR(status int, id string, result any) answer {
	p := plain{
		time: func(t time.Time) any { return epoch(float64(t.UnixMilli()) / 1000) },
		list: func(_ string, items []any) any { return items },
	}
	members := p.of(reflect.ValueOf(result))
	if members == nil {
		members = map[string]any{}
	}
	header := http.Header{}
	header.Set("Content-Type", "application/cbor")
	header.Set("Smithy-Protocol", smithyCBOR)
	header.Set("X-Amzn-Requestid", id)
	return answer{status: status, header: header, body: cbor.Encode(toCBOR(members))}
}

func toCBOR(value any) cbor.Value {
	switch v := value.(type) {
	case nil:
		return &cbor.Nil{}
	case map[string]any:
		m := cbor.Map{}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			m[name] = toCBOR(v[name])
		}
		return m
	case []any:
		list := make(cbor.List, len(v))
		for i, element := range v {
			list[i] = toCBOR(element)
		}
		return list
	case epoch:
		return &cbor.Tag{ID: epochTag, Value: cbor.Float64(v)}
	case float64:
		return cbor.Float64(v)
	case bool:
		return cbor.Bool(v)
	case string:
		return cbor.String(v)
	}
	switch v := reflect.ValueOf(value); v.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if v.Int() < 0 {
			return cbor.NegInt(uint64(-v.Int()))
		}
		return cbor.Uint(uint64(v.Int()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return cbor.Uint(v.Uint())
	case reflect.Float32:
		return cbor.Float64(v.Float())
	case reflect.Bool:
		return cbor.Bool(v.Bool())
	}
	return cbor.String(fmt.Sprint(value))
}
