package operator

import (
	"context"
	"time"

	"headroom/events"
	"headroom/internal/pool/recovery"
)

// Recovery is how far it is to have the ledger say again what there is.
type Recovery struct {
	Came   string          `json:"came"`            // of what was asked for last
	Done   bool            `json:"done"`            // the ledger says what there is, as far as that can be decided
	Held   time.Time       `json:"held,omitzero"`   // since when nothing is handed out; left out: it is
	Looked time.Time       `json:"looked,omitzero"` // when what there is was looked at
	Digest string          `json:"digest,omitempty"`
	Does   []recovery.Line `json:"does"`            // what would be done, or was left to do
	Unsure []recovery.Line `json:"unsure"`          // what nobody but a person can decide
	More   int             `json:"more,omitempty"`  // lines that are left out
	Keeps  []string        `json:"keeps,omitempty"` // hosts that nothing is handed out of, because it is not known what they have
	By     string          `json:"by,omitempty"`    // asked last
	Next   []string        `json:"next,omitempty"`  // commands
	asked  string          // ID of the message
}

// Recovery reads how far the recovery is.
func (o *Operator) Recovery(ctx context.Context) (Recovery, error) {
	r, err := o.Ledger.Recovery(ctx)
	if err != nil {
		return Recovery{}, err
	}
	out := Recovery{
		Came: r.Came, Done: r.Done, Held: r.HeldAt, Looked: r.LookedAt, Digest: r.Digest, More: r.More, By: r.By, asked: r.Message,
		Does: append([]recovery.Line{}, r.Lines...), Unsure: append([]recovery.Line{}, r.Unsure...), Keeps: texts(r.Keep),
	}
	return out, nil
}

// Recover asks for a step of the recovery: events.RecoverHold and the like; digest is that of the plan that is meant, for
// events.RecoverApply.
func (o *Operator) Recover(ctx context.Context, action, digest, reason string) (Sent, error) {
	body := events.RecoverRequest{
		Version: events.Version, Type: events.TypeRecoverRequest, Action: action, Digest: digest, Reason: reason, RequestedBy: o.Caller.ARN,
	}
	if err := valid(body, func(text []byte) error { _, err := events.ParseRecoverRequest(text); return err }); err != nil {
		return Sent{}, err
	}
	return o.Send(ctx, Request{Output: "RecoverQueueUrl", Body: body, Says: action + " for the recovery of the ledger"}, false)
}

// CameOf reports whether what was asked for by a message has come about, or something later has.
func (r Recovery) CameOf(s Sent) bool { return r.asked == s.ID && r.Came != "" }

// Rested reports whether nothing was handed out for so long that what is found can be relied upon.
func (o *Operator) Rested(r Recovery) bool {
	return !r.Held.IsZero() && o.Now().Sub(r.Held) >= recovery.Rest
}
