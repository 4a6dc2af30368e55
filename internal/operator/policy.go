package operator

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"headroom/internal/adapter/policy"
	"headroom/internal/pool"
)

// Policy is the policy document as it stands in its parameter, and what of it is in force.
type Policy struct {
	Version  int64         // of the parameter
	Since    time.Time     // when it was put there
	Text     string        // as it was written
	Document pool.Document // in force: it, or the newest valid one before it; zero when there is none
	Invalid  error         // why it can't be meant; nil: it is in force
	InForce  int64         // version of the parameter that is in force; 0: none is
}

// Policy reads the policy document as the functions read it.
func (o *Operator) Policy(ctx context.Context) (Policy, error) {
	name, err := o.Output("PolicyParameterName")
	if err != nil {
		return Policy{}, err
	}
	r, err := policy.Read(ctx, o.Parameters, name, o.bounds())
	if err != nil && !errors.Is(err, policy.ErrNoneValid) {
		return Policy{}, err
	}
	return Policy{Version: r.Version, Since: r.Since, Text: r.Text, Document: r.Document, Invalid: r.Invalid, InForce: r.InForce}, nil
}

// Warning says of a document that can't be meant that it can't, why, and which one is in force; of another it is empty.
func (p Policy) Warning() string {
	switch {
	case p.Invalid == nil:
		return ""
	case p.InForce == 0:
		return fmt.Sprintf("version %d of the policy document can't be meant, and no older one can: no host is ordered and no signup is taken: %s", p.Version, oneLine(p.Invalid.Error()))
	}
	return fmt.Sprintf("version %d of the policy document can't be meant, and version %d is in force: %s", p.Version, p.InForce, oneLine(p.Invalid.Error()))
}

// oneInForce refuses where there is no policy in force.
func (p Policy) oneInForce() error {
	if p.Invalid != nil && p.InForce == 0 {
		return refused("headroom pool policy set puts another in force.", "%s", p.Warning())
	}
	return nil
}

// parsePolicy reads a document by the rules of the functions that will read it.
func (o *Operator) parsePolicy(text []byte) (pool.Document, error) {
	return pool.ParseDocument(text, o.bounds())
}

func (o *Operator) bounds() pool.Bounds { return pool.Bounds{DatabaseSlots: o.databaseSlots()} }

// databaseSlots is for how many tenants an instance of the stage has connections. A stack that does not say leaves that
// bound to the functions.
func (o *Operator) databaseSlots() int {
	slots, err := strconv.Atoi(o.Outputs["DatabaseSlotsMost"])
	if err != nil {
		return 1 << 20
	}
	return slots
}
