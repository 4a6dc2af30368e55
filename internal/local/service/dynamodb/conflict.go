package dynamodb

import (
	"strings"

	"headroom/internal/local/endpoint"
)

// conflict is what DynamoDB says of an item that a transaction is about.
const conflict = "Transaction is ongoing for the item"

// inTransaction marks an item that a transaction writes.
const inTransaction = -1

// begin notes that a call writes items, or refuses it. A transaction goes about items of which nobody writes
// any; other writes of one item wait for each other, and are refused while a transaction is about it.
func (t *Tables) begin(writes []write, transaction bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	conflicts := false
	for _, w := range writes {
		conflicts = conflicts || t.conflicts(w, transaction)
	}
	if conflicts {
		t.tally.Conflicts++
	}
	if conflicts && transaction {
		return t.canceled(writes)
	}
	if conflicts {
		return &endpoint.Error{Code: "TransactionConflictException", Message: conflict}
	}
	for _, w := range writes {
		if transaction {
			t.busy[w.id] = inTransaction
		} else {
			t.busy[w.id]++
		}
	}
	return nil
}

func (t *Tables) conflicts(w write, transaction bool) bool {
	n := t.busy[w.id]
	return n == inTransaction || n > 0 && transaction
}

// end undoes begin.
func (t *Tables) end(writes []write, transaction bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, w := range writes {
		if t.busy[w.id]--; transaction || t.busy[w.id] == 0 {
			delete(t.busy, w.id)
		}
	}
}

// canceled is the refusal of a transaction, with a reason for each of its actions; the lock is held.
func (t *Tables) canceled(writes []write) error {
	reasons, codes := []any{}, []string{}
	for _, w := range writes {
		reason := map[string]any{"Code": "None"}
		if t.conflicts(w, true) {
			reason = map[string]any{"Code": "TransactionConflict", "Message": conflict}
		}
		reasons, codes = append(reasons, reason), append(codes, reason["Code"].(string))
	}
	return &endpoint.Error{
		Code:    "TransactionCanceledException",
		Message: "Transaction cancelled, please refer cancellation reasons for specific reasons [" + strings.Join(codes, ", ") + "]",
		Fields:  map[string]any{"CancellationReasons": reasons},
	}
}
