package policy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"headroom/internal/pool"
)

// historyPages bounds how far back a valid version is searched: pages of 50.
const historyPages = 3

// ErrNoneValid means that no version of a parameter can be meant: nothing is in force.
var ErrNoneValid = errors.New("no version of the policies is valid")

type client interface {
	GetParameter(ctx context.Context, in *ssm.GetParameterInput, opts ...func(*ssm.Options)) (*ssm.GetParameterOutput, error)
	GetParameterHistory(ctx context.Context, in *ssm.GetParameterHistoryInput, opts ...func(*ssm.Options)) (*ssm.GetParameterHistoryOutput, error)
}

// Reading is the parameter as it stands, and what of it is in force.
type Reading struct {
	Version int64     // that stands
	Since   time.Time // when it was put there
	Text    string    // as it was written
	Invalid error     // why it can't be meant; nil: it is in force
	InForce int64     // the version in force: that which stands, or the newest valid one before it
	pool.Document
}

// Read reads the parameter of a name. Where the version that stands can't be meant, the newest valid one is in force;
// where there is none, the reading is returned with ErrNoneValid, wrapped.
func Read(ctx context.Context, c client, name string, bounds pool.Bounds) (Reading, error) {
	out, err := c.GetParameter(ctx, &ssm.GetParameterInput{Name: &name})
	if err != nil {
		return Reading{}, fmt.Errorf("read the policies from parameter %s: %w", name, err)
	}
	if out.Parameter == nil {
		return Reading{}, fmt.Errorf("read the policies from parameter %s: the answer is empty", name)
	}
	r := Reading{Version: out.Parameter.Version, Since: aws.ToTime(out.Parameter.LastModifiedDate).UTC(), Text: aws.ToString(out.Parameter.Value)}
	if r.Document, r.Invalid = pool.ParseDocument([]byte(r.Text), bounds); r.Invalid == nil {
		r.InForce = r.Version
		return r, nil
	}
	if r.Document, r.InForce, err = lastValid(ctx, c, name, bounds); err != nil {
		return r, fmt.Errorf("version %d of parameter %s is invalid (%w), and no older one can be used: %w", r.Version, name, r.Invalid, err)
	}
	return r, nil
}

// lastValid finds the newest valid version in the parameter's history, which SSM lists oldest first.
func lastValid(ctx context.Context, c client, name string, bounds pool.Bounds) (pool.Document, int64, error) {
	var history []types.ParameterHistory
	var next *string
	for range historyPages {
		out, err := c.GetParameterHistory(ctx, &ssm.GetParameterHistoryInput{Name: &name, NextToken: next, MaxResults: aws.Int32(50)})
		if err != nil {
			return pool.Document{}, 0, fmt.Errorf("read the history of parameter %s: %w", name, err)
		}
		history = append(history, out.Parameters...)
		if next = out.NextToken; next == nil {
			break
		}
	}
	slices.SortFunc(history, func(a, b types.ParameterHistory) int { return int(b.Version - a.Version) })
	for _, h := range history {
		if doc, err := pool.ParseDocument([]byte(aws.ToString(h.Value)), bounds); err == nil {
			return doc, h.Version, nil
		}
	}
	return pool.Document{}, 0, fmt.Errorf("look through %d versions of parameter %s: %w", len(history), name, ErrNoneValid)
}
