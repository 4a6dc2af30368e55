package demo

import (
	"fmt"
	"strings"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// certificate shows what is certified of a tenant that left, in short.
func (p *Printer) certificate(c events.Certificate) {
	p.print("\n   " + p.screen.in(bold, "Certificate of "+c.TenantID) + "\n")
	a := c.Archive
	p.fact("asked for", fmt.Sprintf("by %s, at %s: %s", c.RequestedBy, at(c.RequestedAt), c.Reason))
	p.fact("archive", fmt.Sprintf("%s: %d entries, %d bytes, SHA-256 %.16s…, locked until %s", a.Key, a.Entries, a.Bytes, a.SHA256, at(a.RetainUntil)))
	if verified := evidence(c.Steps, pool.StepVerify); verified != "" {
		if _, rest, found := strings.Cut(verified, "; "); found {
			verified = rest // after the size and checksum of the archive, which were said
		}
		p.fact("verified", verified)
	}
	for _, slot := range c.Slots {
		said := fmt.Sprintf("slot %d of %s: ", slot.Index, slot.Host)
		if slot.Destroyed > 0 {
			said += fmt.Sprintf("%d object versions, delete markers and uploads destroyed; ", slot.Destroyed)
		}
		p.fact(slot.Kind, said+evidence(slot.Steps, pool.StepProve))
	}
	for _, trace := range c.Remainders {
		left := trace.What
		if !trace.Until.IsZero() {
			left += ", until " + at(trace.Until)
		}
		p.fact("remains", left)
	}
	p.fact("lies in", c.CertifiedKey+", beside the archive, under the same lock")
}

// evidence is what the last of the steps of a name came to.
func evidence(steps []events.CertifiedStep, step pool.Step) (what string) {
	for _, s := range steps {
		if s.Step == string(step) {
			what = s.What
		}
	}
	return what
}

func at(t events.Time) string { return t.UTC().Format(time.DateTime) }

// fact shows something that has a name.
func (p *Printer) fact(name, text string) {
	name = fmt.Sprintf("   %-11s", name)
	p.print(name + p.screen.fold(text, len(name)) + "\n")
}
