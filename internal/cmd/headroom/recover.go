package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"headroom/events"
	"headroom/internal/operator"
	"headroom/internal/pool/recovery"
)

// newRecover is `headroom recover`.
func newRecover() *cobra.Command {
	var r recoverer
	var dry, drop bool
	cmd := verb{
		use: "recover [flags]", short: "Have the ledger say again what there is.",
		long: "Have the ledger say again what there is, after its table was lost or put back to\n" +
			"an earlier time: from the marks in databases and on buckets, and the tags of\n" +
			"shares, stacks and secrets. It switches the stop switch on, has nothing handed\n" +
			"out any more (who signs up waits; who has its storage is served), looks, and\n" +
			"shows what is to be done. That is done once it is confirmed, and everything is\n" +
			"handed out again but what nobody is sure of. Run again, it does what is left.\n" +
			"It is done when headroom doctor is clean; then headroom resume. How to put the\n" +
			"table back is in docs/operations.md.",
		example: "  headroom recover --dry-run --reason \"is the ledger true?\"\n  headroom recover --reason \"the table was put back to 14:00\"\n  headroom recover --drop --reason \"it was not put back\"",
		args:    noArguments,
		flags: func(f *pflag.FlagSet) {
			f.StringVar(&r.reason, "reason", "", "Why. It stands in the audit. Required.")
			f.BoolVar(&dry, "dry-run", false, "Look, and show what would be done: nothing is held, or changed.")
			f.BoolVar(&drop, "drop", false, "Have everything handed out again, with the ledger as it is.")
			f.DurationVar(&r.most, "wait", 30*time.Minute, "How long it may take, but for the confirmation.")
			r.ok.add(f)
		},
		check: func([]string) error {
			if dry && drop {
				return errors.New("--dry-run and --drop can't both be meant")
			}
			return missingReason(r.reason, "audit")
		},
		ask: func(ctx context.Context, o *operator.Operator, _ []string) (answer, error) {
			r.Operator, r.end = o, time.Now().Add(r.most)
			var now operator.Recovery
			var err error
			switch {
			case dry:
				now, err = r.step(ctx, events.RecoverLook, "")
			case drop:
				now, err = r.step(ctx, events.RecoverDrop, "")
			default:
				now, err = r.all(ctx)
			}
			var left unwell
			if err != nil && !errors.As(err, &left) {
				return answer{}, err
			}
			switch {
			case dry || drop:
			case now.Done:
				now.Next = []string{"headroom doctor", "headroom resume --reason …"}
			default:
				now.Next = []string{"headroom recover --reason …", "headroom recover --drop --reason …"}
			}
			return answer{data: now, show: func(p *page) { showRecovery(p, now) }, err: err}, nil
		},
	}.command()
	r.ok.cmd = cmd
	return cmd
}

// recoverer asks for one step of a recovery after the other.
type recoverer struct {
	*operator.Operator
	reason string
	most   time.Duration
	end    time.Time
	ok     consent
}

// all is the whole of it. What it could not bring about it says in an unwell.
func (r *recoverer) all(ctx context.Context) (operator.Recovery, error) {
	if _, err := r.Stop(ctx, nil, r.reason, false); err != nil {
		return operator.Recovery{}, err
	}
	now, err := r.step(ctx, events.RecoverHold, "")
	if err != nil {
		return now, err
	}
	if now.Held.IsZero() {
		return now, unwell{errors.New(now.Came)}
	}
	for !r.Rested(now) {
		if err := r.pause(ctx, "what had begun before nothing was handed out may go on for some minutes"); err != nil {
			return now, err
		}
		// Each answer says how late it is there, which need not be by this clock; and another may have ended the hold.
		if now, err = r.Recovery(ctx); err != nil {
			return now, err
		}
		if now.Held.IsZero() {
			return now, unwell{fmt.Errorf("somebody else has asked for something since: %s", now.Came)}
		}
	}
	if now, err = r.step(ctx, events.RecoverLook, ""); err != nil {
		return now, err
	}
	if now.Digest == "" {
		return now, unwell{errors.New(now.Came)}
	}
	if r.ok.cmd != nil && !r.ok.yes {
		p := &page{}
		showRecovery(p, now)
		fmt.Fprint(r.ok.cmd.ErrOrStderr(), p.String())
	}
	asked := time.Now()
	if err := r.ok.confirm(fmt.Sprintf("the ledger of stage %s is changed in %d things", r.Stage, len(now.Does)+now.More), r.Stage); err != nil {
		fmt.Fprintln(r.ok.cmd.ErrOrStderr(), "Nothing is handed out, and the stop switch is on: headroom recover --drop and headroom resume take that back.")
		return now, err
	}
	r.end = r.end.Add(time.Since(asked))
	digest := now.Digest
	for {
		if now, err = r.step(ctx, events.RecoverApply, digest); err != nil || now.Done {
			return now, err
		}
		if now.Digest != digest { // of another plan than was confirmed
			return now, unwell{errors.New(now.Came)}
		}
		if err := r.pause(ctx, now.Came); err != nil {
			return now, err
		}
	}
}

// step asks for one thing, and waits until it has come about.
func (r *recoverer) step(ctx context.Context, action, digest string) (operator.Recovery, error) {
	sent, err := r.Recover(ctx, action, digest, r.reason)
	if err != nil {
		return operator.Recovery{}, err
	}
	for {
		now, err := r.Recovery(ctx)
		if err != nil || now.CameOf(sent) {
			return now, err
		}
		if err := r.pause(ctx, action+" is under way"); err != nil {
			return now, err
		}
	}
}

// pause waits a moment, and says on a terminal for what.
func (r *recoverer) pause(ctx context.Context, what string) error {
	if time.Now().After(r.end) {
		return unwell{fmt.Errorf("it has not come about after %s: %s", r.most, what)}
	}
	if onTerminal(r.ok.cmd.ErrOrStderr()) {
		fmt.Fprintln(r.ok.cmd.ErrOrStderr(), "waiting: "+what)
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(look):
		return nil
	}
}

func showRecovery(p *page, r operator.Recovery) {
	p.heading("The recovery: " + r.Came)
	if !r.Held.IsZero() {
		p.fact("held", "nothing is handed out since "+at(r.Held))
	}
	if len(r.Keeps) > 0 {
		p.fact("kept", "nothing is handed out of "+strings.Join(r.Keeps, ", ")+", because it is not known what they have")
	}
	lines := func(heading string, all []recovery.Line) {
		if len(all) == 0 {
			return
		}
		p.heading(heading)
		for _, l := range all {
			p.item(l.String())
		}
	}
	lines("What there is to do", r.Does)
	lines("What a person has to decide", r.Unsure)
	if r.More > 0 {
		p.text("%d more are not shown.", r.More)
	}
	p.next(r.Next...)
}
