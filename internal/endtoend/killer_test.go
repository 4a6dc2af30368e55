package endtoend

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"headroom/events"
	"headroom/internal/local/endpoint"
	"headroom/internal/local/service/lambda"
)

// killer kills functions' processes: before every call that follows on another one for the first
// time, and after every call that it sees for the first time, whose answer is lost. Calls that only
// read it lets pass: who dies before or after one leaves what who dies at the next change leaves.
type killer struct {
	s    *system
	only []string // the functions whose processes it kills; none: all functions'

	mu    sync.Mutex
	last  map[string]string       // what each process called last, by its access key
	kills map[string]*lambda.Kill // by function and point
	over  bool
}

// reads are operations that change nothing.
var reads = regexp.MustCompile(`^(BatchGet|Describe|Get|Head|List|Query|Scan)`)

// newKiller lets a killer loose, on all functions or on some only.
func newKiller(tb testing.TB, s *system, only ...string) *killer {
	tb.Helper()
	k := &killer{s: s, only: only, last: map[string]string{}, kills: map[string]*lambda.Kill{}}
	s.liftLimits(tb)
	s.Router.Before(k.before)
	return k
}

// before sees a call before it is carried out.
func (k *killer) before(c endpoint.Call) error {
	function, ok := functionOf(c)
	if !ok || len(k.only) > 0 && !slices.Contains(k.only, function) || c.Operation == "ReceiveMessage" || c.Operation == "DeleteMessageBatch" {
		return nil // those are Lambda's own
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	process, now := endpoint.AccessKeyID(c.Request), point(c)
	before := k.last[process]
	k.last[process] = now
	if k.over || reads.MatchString(c.Operation) {
		return nil
	}
	between, after := function+": between "+before+" and "+now, function+": after "+now
	for _, try := range []struct {
		point   string
		applied bool
	}{{between, false}, {after, true}} {
		if k.kills[try.point] != nil {
			continue
		}
		kill := &lambda.Kill{Function: longName(function), Call: 1, Applied: try.applied}
		k.s.Functions.Arm(kill)
		err := k.s.Functions.BeforeCall(c)
		if err != nil || try.applied {
			k.kills[try.point] = kill
		} // otherwise another process of the function made a call first, and it was that one's turn
		return err
	}
	return nil
}

// stop lets everybody live from now on, and returns the points at which functions were killed.
func (k *killer) stop() (points []string) {
	k.s.Functions.Disarm()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.over = true
	for _, point := range slices.Sorted(maps.Keys(k.kills)) {
		if k.kills[point].Happened() {
			points = append(points, point)
		}
	}
	return points
}

func (k *killer) count() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.kills)
}

// point names a call by what it means, not by whom it is about.
func point(c endpoint.Call) string {
	name := c.Service + ":" + c.Operation
	switch name {
	case "dynamodb:TransactWriteItems":
		var parts []string
		writes, _ := c.Params["TransactItems"].([]any)
		for _, write := range writes {
			for verb, w := range write.(map[string]any) {
				parts = append(parts, verb+" "+record(w.(map[string]any)))
			}
		}
		return name + " " + strings.Join(parts, ", ")
	case "events:PutEvents":
		entries, _ := c.Params["Entries"].([]any)
		for _, entry := range entries {
			name += fmt.Sprint(" ", entry.(map[string]any)["DetailType"])
		}
		return name
	case "sqs:SendMessage":
		body, _ := c.Params["MessageBody"].(string)
		return name + " " + events.TypeOf([]byte(body))
	}
	if c.Service == "dynamodb" {
		return name + " " + record(c.Params)
	}
	return name
}

// record says what a request to DynamoDB is about: the kind of item, the index, the update, and the
// state and step that an item is written with.
func record(request map[string]any) string {
	text := func(of any, path ...string) string {
		for _, name := range path {
			m, _ := of.(map[string]any)
			of = m[name]
		}
		s, _ := of.(string)
		return s
	}
	words := []string{}
	for _, key := range []string{text(request, "Key", "pk", "S"), text(request, "Item", "pk", "S"), text(request, "ExpressionAttributeValues", ":list", "S")} {
		kind, _, _ := strings.Cut(key, "#")
		words = append(words, kind)
	}
	words = append(words, text(request, "IndexName"), text(request, "UpdateExpression"), text(request, "Item", "state", "S"), text(request, "Item", "step", "S"))
	return strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), " ")
}
