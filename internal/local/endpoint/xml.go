package endpoint

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
)

// xmlWriter writes elements without attributes, which is all that AWS's query protocols need.
type xmlWriter struct {
	buffer bytes.Buffer
}

func (x *xmlWriter) open(name string)  { x.buffer.WriteString("<" + name + ">") }
func (x *xmlWriter) close(name string) { x.buffer.WriteString("</" + name + ">") }

// members writes the entries of a map as elements, in the order of their names.
func (x *xmlWriter) members(v any) {
	m, _ := v.(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(m)) {
		x.element(name, m[name])
	}
}

// element writes one plain value (see plainXML).
func (x *xmlWriter) element(name string, v any) {
	x.open(name)
	switch v := v.(type) {
	case map[string]any:
		x.members(v)
	case List:
		items, _ := v.Items.([]any)
		for _, item := range items {
			x.element(v.Element, item)
		}
	case float64:
		x.text(strconv.FormatFloat(v, 'f', -1, 64))
	default:
		x.text(fmt.Sprint(v))
	}
	x.close(name)
}

func (x *xmlWriter) text(s string) { _ = xml.EscapeText(&x.buffer, []byte(s)) } // a buffer takes everything

func (x *xmlWriter) answer(status int, id string) answer {
	header := http.Header{}
	header.Set("Content-Type", "text/xml")
	header.Set("X-Amzn-Requestid", id)
	return answer{status: status, header: header, body: append([]byte(xml.Header), x.buffer.Bytes()...)}
}
