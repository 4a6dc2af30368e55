package operator

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"headroom/events"
	"headroom/internal/pool"
)

// PolicyChange is what another policy document would change.
type PolicyChange struct {
	From     int64    `json:"fromVersion"`       // of the parameter
	Against  int64    `json:"againstVersion"`    // that was in force and is compared with; 0: none was
	Version  int64    `json:"version,omitempty"` // since it is set; left out: it is not
	Changes  []Change `json:"changes"`           // empty: it means the same
	Warnings []string `json:"warnings,omitempty"`
	Next     []string `json:"next,omitempty"`
	text     string
}

// Change is one value that differs.
type Change struct {
	Of   string `json:"of"`             // "database-standard ceiling", "terms grace"
	From string `json:"from,omitempty"` // empty: it was not there
	To   string `json:"to,omitempty"`   // empty: it is gone
}

// DiffPolicy compares a document with the one in force. One that can't be meant is refused, with every reason.
func (o *Operator) DiffPolicy(ctx context.Context, text []byte) (PolicyChange, error) {
	wanted, err := o.parsePolicy(text)
	if err != nil {
		return PolicyChange{}, refused("Nothing was changed. docs/operations.md says what each field means.", "%v", err)
	}
	stands, err := o.Policy(ctx)
	if err != nil {
		return PolicyChange{}, err
	}
	change := PolicyChange{From: stands.Version, Changes: []Change{}, text: strings.TrimSpace(string(text))}
	before := map[string]string{}
	if change.Against = stands.InForce; stands.InForce > 0 {
		if before, err = flat(stands.Document); err != nil {
			return change, err
		}
	}
	after, err := flat(wanted)
	if err != nil {
		return change, err
	}
	names := map[string]bool{}
	for _, m := range []map[string]string{before, after} {
		for name := range m {
			names[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if before[name] != after[name] {
			change.Changes = append(change.Changes, Change{Of: name, From: before[name], To: after[name]})
		}
	}
	change.Warnings, err = o.overCeilings(ctx, wanted)
	return change, err
}

// overCeilings says which pools have more hosts than a document allows them: it may be meant, and takes no host away.
func (o *Operator) overCeilings(ctx context.Context, d pool.Document) (warnings []string, err error) {
	for _, p := range d.Pools {
		key := pool.Key{Kind: p.Kind, Tier: p.Tier}
		record, err := o.Ledger.Pool(ctx, key)
		if err != nil {
			return nil, err
		}
		if there := record.Counters.Hosts; there > p.Ceiling {
			warnings = append(warnings, fmt.Sprintf("the ceiling of pool %s is %d, and it has %s: none goes for that, and none is ordered until it has fewer",
				poolName(key), p.Ceiling, count(there, "host")))
		}
	}
	return warnings, nil
}

// On refuses a change that was made to another version than the newest.
func (c PolicyChange) On(version int64) error {
	if version == c.From {
		return nil
	}
	return refused("Look at what it says now (headroom pool policy get), and make your change to that.", "version %d of the policy stands, and version %d was to be changed", c.From, version)
}

// SetPolicy puts a document into its parameter that was compared before, once that is sent to be put on record. It is refused
// if another was put there since.
func (o *Operator) SetPolicy(ctx context.Context, c PolicyChange, reason string) (PolicyChange, error) {
	stands, err := o.Policy(ctx)
	if err != nil {
		return c, err
	}
	if stands.Version != c.From {
		return c, refused("Look at what it says now (headroom pool policy get), and set yours again.", "the policy was changed meanwhile: version %d stands, and version %d was compared", stands.Version, c.From)
	}
	name, err := o.Output("PolicyParameterName")
	if err != nil {
		return c, err
	}
	if err := o.record(ctx, events.HandPolicySet, fmt.Sprintf("the policy, version %d until then", c.From), reason); err != nil {
		return c, err
	}
	// Commit point: it is in force within a minute.
	out, err := o.Parameters.PutParameter(ctx, &ssm.PutParameterInput{
		Name: &name, Value: &c.text, Overwrite: aws.Bool(true), Type: types.ParameterTypeString, Tier: types.ParameterTierIntelligentTiering,
	})
	if err != nil {
		return c, fmt.Errorf("put the policy into parameter %s: %w", name, err)
	}
	c.Version, c.Next = out.Version, []string{"headroom pool list --watch"}
	return c, nil
}

// flat is a value as names and what they are, from its JSON: "database-standard ceiling" is "25".
func flat(document any) (map[string]string, error) {
	text, err := json.Marshal(document)
	if err != nil {
		return nil, fmt.Errorf("encode a policy document: %w", err)
	}
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return nil, fmt.Errorf("decode a policy document: %w", err)
	}
	out := map[string]string{}
	flatten("", value, out)
	return out, nil
}

func flatten(name string, value any, out map[string]string) {
	under := func(part string) string {
		if name == "" || name == "pools" {
			return part
		}
		return name + " " + part
	}
	switch v := value.(type) {
	case map[string]any:
		for part, below := range v {
			flatten(under(part), below, out)
		}
	case []any:
		for i, below := range v {
			part := strconv.Itoa(i + 1)
			if m, ok := below.(map[string]any); ok {
				kind, tier := fmt.Sprint(m["kind"]), fmt.Sprint(m["tier"])
				part = cmp.Or(map[bool]string{true: kind + "-" + tier}[m["kind"] != nil && m["tier"] != nil], part)
			}
			flatten(under(part), below, out)
		}
	default:
		text, _ := json.Marshal(v) // came of JSON
		out[name] = string(text)
	}
}
