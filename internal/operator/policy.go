package operator

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"headroom/internal/pool"
)

// Policy is the policy document as it stands in its parameter.
type Policy struct {
	Version  int64         // of the parameter
	Since    time.Time     // when it was put there
	Text     string        // as it was written
	Document pool.Document // zero when it can't be meant
	Invalid  error         // why it can't be meant: an older version is in force then
}

// Policy reads the policy document.
func (o *Operator) Policy(ctx context.Context) (Policy, error) {
	name, err := o.Output("PolicyParameterName")
	if err != nil {
		return Policy{}, err
	}
	out, err := o.Parameters.GetParameter(ctx, &ssm.GetParameterInput{Name: &name})
	if err != nil {
		return Policy{}, fmt.Errorf("read the policy from parameter %s: %w", name, err)
	}
	p := Policy{Version: out.Parameter.Version, Since: aws.ToTime(out.Parameter.LastModifiedDate).UTC(), Text: aws.ToString(out.Parameter.Value)}
	p.Document, p.Invalid = o.parsePolicy([]byte(p.Text))
	return p, nil
}

// parsePolicy reads a document by the rules of the functions that will read it.
func (o *Operator) parsePolicy(text []byte) (pool.Document, error) {
	return pool.ParseDocument(text, pool.Bounds{DatabaseSlots: o.databaseSlots()})
}

// databaseSlots is for how many tenants an instance of the stage has connections. A stack that does not say leaves that
// bound to the functions.
func (o *Operator) databaseSlots() int {
	slots, err := strconv.Atoi(o.Outputs["DatabaseSlotsMost"])
	if err != nil {
		return 1 << 20
	}
	return slots
}

// policies are those in force, as far as this can tell: of an invalid document there are none.
func (o *Operator) policies(ctx context.Context) (pool.Policies, error) {
	p, err := o.Policy(ctx)
	if err != nil {
		return nil, err
	}
	return p.Document.Pools, nil
}
