package dynamodb

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"headroom/internal/local/endpoint"
)

// item is an item, or a part of one, in DynamoDB's JSON.
type item = map[string]any

// table is what has to be known of a table.
type table struct {
	key     []string            // attributes, the partition key's first
	indexes map[string][]string // the keys of its indexes, likewise
}

// write is an item that a call writes, or makes sure of.
type write struct {
	table string
	key   item
	id    string // table and key in one
	reads bool   // it is only made sure of
}

// learn takes note of a table that is created.
func (t *Tables) learn(call endpoint.Call) {
	name, _ := call.Params["TableName"].(string)
	made := table{key: keyOf(call.Params), indexes: map[string][]string{}}
	indexes, _ := call.Params["GlobalSecondaryIndexes"].([]any)
	for _, element := range indexes {
		index, _ := element.(map[string]any)
		if of, ok := index["IndexName"].(string); ok {
			made.indexes[of] = keyOf(index)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tables[name] = made
}

// keyOf reads a key schema.
func keyOf(params map[string]any) []string {
	elements, _ := params["KeySchema"].([]any)
	var names []string
	for _, element := range elements {
		attribute, _ := element.(map[string]any)
		name, _ := attribute["AttributeName"].(string)
		if attribute["KeyType"] == "HASH" {
			names = slices.Insert(names, 0, name)
		} else {
			names = append(names, name)
		}
	}
	return names
}

// writes lists what a call writes, in the order of a transaction's actions.
func (t *Tables) writes(call endpoint.Call) (list []write, transaction bool) {
	switch call.Operation {
	case "PutItem":
		return []write{t.write("Put", call.Params)}, false
	case "UpdateItem", "DeleteItem":
		return []write{t.write("", call.Params)}, false
	case "TransactWriteItems":
		for _, part := range parts(call.Params) {
			list = append(list, t.write(part.action, part.request))
		}
		return list, true
	}
	return nil, false
}

func (t *Tables) write(action string, request map[string]any) write {
	w := write{reads: action == "ConditionCheck"}
	w.table, _ = request["TableName"].(string)
	w.key, _ = request["Key"].(map[string]any)
	if action == "Put" {
		whole, _ := request["Item"].(map[string]any)
		w.key = t.keyIn(w.table, whole)
	}
	w.id = w.table + " " + text(w.key)
	return w
}

// keyIn is the key of an item.
func (t *Tables) keyIn(name string, whole item) item {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := item{}
	for _, attribute := range t.tables[name].key {
		key[attribute] = whole[attribute]
	}
	return key
}

// text is a value of DynamoDB's as a text: equal for equal keys, for maps are written in the order of their
// names.
func text(value any) string {
	encoded, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	return string(encoded)
}

// asked is a call of another operation, in the name of a call.
func asked(call endpoint.Call, operation string, params map[string]any) endpoint.Call {
	request := call.Request.Clone(call.Request.Context())
	target := call.Request.Header.Get("X-Amz-Target")
	request.Header.Set("X-Amz-Target", target[:strings.LastIndex(target, ".")+1]+operation)
	return endpoint.Call{
		Service: call.Service, Operation: operation, Principal: call.Principal, Request: request,
		Params: maps.Clone(params), Body: []byte(text(params)),
	}
}
