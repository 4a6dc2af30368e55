package dynamodb

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"headroom/internal/local/endpoint"
)

// image is an item as the indexes still show it, although it was written since.
type image struct {
	of    write
	item  item // nil: it was not there
	until time.Time
}

// images reads items before they are written. Without a lag nobody needs them.
func (t *Tables) images(ctx context.Context, call endpoint.Call, writes []write, next func(context.Context, endpoint.Call) endpoint.Reply) []item {
	if t.untidy.Index <= 0 {
		return nil
	}
	images := make([]item, len(writes))
	for i, w := range writes {
		if w.reads {
			continue
		}
		reply := next(ctx, asked(call, "GetItem", map[string]any{"TableName": w.table, "Key": w.key, "ConsistentRead": true}))
		var got struct{ Item item }
		if json.Unmarshal(reply.Body, &got) == nil {
			images[i] = got.Item
		}
	}
	return images
}

// written notes what the indexes go on showing for a moment. What they show already stays: an index that is
// two writes behind shows what was there before both.
func (t *Tables) written(writes []write, before []item) {
	if before == nil {
		return
	}
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	maps.DeleteFunc(t.stale, func(_ string, i image) bool { return !now.Before(i.until) })
	for i, w := range writes {
		if _, shown := t.stale[w.id]; !shown && !w.reads {
			t.stale[w.id] = image{of: w, item: before[i], until: now.Add(t.source.Part(t.untidy.Index))}
		}
	}
}

// lag makes the answer of a query of an index one that does not know yet what was just written.
func (t *Tables) lag(call endpoint.Call, reply endpoint.Reply) endpoint.Reply {
	name, _ := call.Params["TableName"].(string)
	indexName, _ := call.Params["IndexName"].(string)
	t.mu.Lock()
	of := t.tables[name]
	now, stale := t.now(), map[string]image{}
	for id, i := range t.stale {
		if i.of.table == name && now.Before(i.until) {
			stale[id] = i
		}
	}
	t.mu.Unlock()
	var answer map[string]any
	if len(stale) == 0 || reply.Status != http.StatusOK || json.Unmarshal(reply.Body, &answer) != nil {
		return reply
	}
	shown := []any{}
	items, _ := answer["Items"].([]any)
	for _, element := range items {
		if _, changed := stale[name+" "+text(project(element.(item), of.key))]; !changed {
			shown = append(shown, element)
		}
	}
	shown = t.remember(call, of, of.indexes[indexName], stale, shown)
	if text(shown) != text(items) {
		t.mu.Lock()
		t.tally.Stale++
		t.mu.Unlock()
	}
	answer["Items"], answer["Count"], answer["ScannedCount"] = shown, len(shown), max(len(shown), len(items))
	reply.Body = []byte(text(answer))
	reply.Header = reply.Header.Clone()
	reply.Header.Del("X-Amz-Crc32") // of what was answered before
	reply.Header.Del("Content-Length")
	return reply
}

// remember adds what was there to the answer of a query, in its order and within its limit. A query that is
// more than a condition on the index's key is not added to: it only misses what is new.
func (t *Tables) remember(call endpoint.Call, of table, index []string, stale map[string]image, shown []any) []any {
	matches, ok := keyCondition(call.Params)
	limit, limited := call.Params["Limit"].(float64)
	if !ok || len(index) == 0 || call.Params["FilterExpression"] != nil || call.Params["ExclusiveStartKey"] != nil {
		return shown
	}
	for _, id := range slices.Sorted(maps.Keys(stale)) {
		old := stale[id].item
		if old == nil || limited && len(shown) >= int(limit) || !indexed(old, index) || !matches(old) {
			continue
		}
		shown = append(shown, any(project(old, slices.Concat(of.key, index))))
	}
	descending := call.Params["ScanIndexForward"] == false
	slices.SortStableFunc(shown, func(a, b any) int {
		order := 0
		if len(index) > 1 {
			order = compare(a.(item)[index[1]], b.(item)[index[1]])
		}
		if descending {
			return -order
		}
		return order
	})
	return shown
}

// indexed reports whether an index has an item: one that lacks a key of it, it has not.
func indexed(whole item, index []string) bool {
	for _, attribute := range index {
		if whole[attribute] == nil {
			return false
		}
	}
	return true
}

func project(whole item, attributes []string) item {
	some := item{}
	for _, attribute := range attributes {
		if value, ok := whole[attribute]; ok {
			some[attribute] = value
		}
	}
	return some
}

// compare orders two values of a key, as DynamoDB does: numbers by size, texts by their bytes.
func compare(a, b any) int {
	left, _ := a.(map[string]any)
	right, _ := b.(map[string]any)
	if x, ok := left["N"].(string); ok {
		y, _ := right["N"].(string)
		return cmp.Compare(number(x), number(y))
	}
	x, _ := left["S"].(string)
	y, _ := right["S"].(string)
	return strings.Compare(x, y)
}
