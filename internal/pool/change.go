package pool

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"headroom/events"
)

// AddressesMost is how many addresses a tenant has at most, with those that come and those that go. All ten tenants
// of a gateway that change their machines at once so take 50 of the 60 rules that a security group has; what is left
// is the gateway's own.
const AddressesMost = 5

// looksARound is how many looks at a share there are before it is set anew: a list that was set is seen late, and one
// that is set at each look would never be seen at all.
const looksARound = 8

// wordsKept is how many addresses that a tenant does not have any more are remembered with the last word on them.
const wordsKept = 8

// ErrGoing means that an address can't be added now, because it is still being put out: later it can.
var ErrGoing = errors.New("the address is still being put out")

// Change is what becomes of the addresses of a tenant. Its zero value is that of one who never changed them.
type Change struct {
	Coming []string // to be let in: rules and client list have them, but nothing says yet that they are served
	Going  []string // to be put out. One that is among the tenant's Addresses is served until nothing comes any more

	Admitted []string  // that serve since, and of which that is not said yet
	Evicted  []string  // that are out since, and are not free for others yet, nor is it said
	Since    time.Time // when that was so

	Confirm bool // its share is to be looked at once more, when nobody who was late can disturb it any more
	Untold  bool // it was not said yet that its storage is ready, and that is to be made up for

	Regular int       // how many addresses it has when it changes none; 0: one
	Due     time.Time // when people are told that a change has not ended; zero: none is open

	First string // address that it signed up with, once it has changed any
	Words []Word // the last that was said about each address

	// Forgot is the time of the latest word that is not remembered any more: of an address of which nothing is known, an
	// older wish than that may have been taken back.
	Forgot time.Time
}

// Word is what was last asked for an address, and when: messages come twice and out of order.
type Word struct {
	Address string
	At      time.Time
	Out     bool
}

// AddressChange is a wish about a tenant's addresses.
type AddressChange struct {
	Add, Remove []string
	At          time.Time // when it was sent
	By, Why     string    // who asked for it, and why; empty where that was not said
	Message     string    // ID of the message
	Correlation string    // its correlation id
}

func (c Change) clone() Change {
	c.Coming, c.Going, c.Words = slices.Clone(c.Coming), slices.Clone(c.Going), slices.Clone(c.Words)
	c.Admitted, c.Evicted = slices.Clone(c.Admitted), slices.Clone(c.Evicted)
	return c
}

// Desired are the addresses that a tenant's share is to let in.
func (t Tenant) Desired() []string { return append(slices.Clone(t.Addresses), t.Change.Coming...) }

// Reached are all addresses of a tenant that may be in the rules of its gateway, or in the registry as its own: those
// that it has, that come, and that go. Sorted.
func (t Tenant) Reached() []string {
	all := slices.Concat(t.Addresses, t.Change.Coming, t.Change.Going, t.Change.Evicted)
	slices.Sort(all)
	return slices.Compact(all)
}

// Had reports whether an address was the tenant's before it was put out. What is forgotten of a tenant that has put
// out many is never the address that it signed up with.
func (t Tenant) Had(address string) bool {
	if slices.Contains(t.Reached(), address) {
		return false
	}
	word := t.Change.word(address)
	return address == t.Change.First || word != nil && word.Out
}

// lasting are the addresses that a tenant has once its change is over.
func (t Tenant) lasting() []string { return without(t.Desired(), t.Change.Going) }

func (c *Change) word(address string) *Word {
	if i := slices.IndexFunc(c.Words, func(w Word) bool { return w.Address == address }); i >= 0 {
		return &c.Words[i]
	}
	return nil
}

// hear notes a word on an address; false if a later one is known.
func (t *Tenant) hear(w Word) bool {
	c := &t.Change
	switch known := c.word(w.Address); {
	case t.superseded(w):
		return false
	case known == nil:
		c.Words = append(c.Words, w)
	case *known != w:
		c.Words = append(slices.DeleteFunc(c.Words, func(k Word) bool { return k.Address == w.Address }), w)
	}
	return true
}

func (t Tenant) superseded(w Word) bool {
	known := t.Change.word(w.Address)
	return known != nil && known.At.After(w.At)
}

// forgotten reports whether a word on an address that is none of the tenant's is so old that a later one may have been
// forgotten.
func (t Tenant) forgotten(address string, at time.Time) bool {
	return t.Change.word(address) == nil && !slices.Contains(t.Reached(), address) && !at.After(t.Change.Forgot)
}

// Superseded are the addresses of a wish about which something was said since, or may have been: of them it changes nothing.
func (t Tenant) Superseded(asked AddressChange) []string {
	var past []string
	for _, address := range slices.Concat(asked.Add, asked.Remove) {
		if asked.At.Before(t.RequestedAt) || t.superseded(Word{Address: address, At: asked.At}) || t.forgotten(address, asked.At) {
			past = append(past, address)
		}
	}
	return past
}

// forget keeps the words on addresses that the tenant has, and the last ones on others.
func (t *Tenant) forget() {
	reached, past := t.Reached(), 0
	for i, w := range slices.Backward(t.Change.Words) {
		if slices.Contains(reached, w.Address) {
			continue
		}
		if past++; past > wordsKept {
			if w.At.After(t.Change.Forgot) {
				t.Change.Forgot = w.At
			}
			t.Change.Words = slices.Delete(t.Change.Words, i, i+1)
		}
	}
}

// ChangeAddresses decides what a wish makes of a tenant's record; term is how long a change may stay open until people
// are told. The same wish again changes nothing, and one that comes after a later one about the same address is
// passed over. A wish that can't be fulfilled is an *events.FieldError, or ErrGoing if it can be later.
//
// A tenant that has its storage is served by what it has until what comes is served as well. For one that has not, what
// is opened changes at once; what is to go is cleaned up once it has its storage.
func ChangeAddresses(t Tenant, asked AddressChange, term time.Duration, now time.Time) (Tenant, error) {
	if asked.At.Before(t.RequestedAt) {
		return t, nil // it was meant for an earlier life of the name
	}
	out := t.Clone()
	if out.Change.First == "" && len(t.Addresses) > 0 {
		out.Change.First = t.Addresses[0]
	}
	for i, address := range asked.Add {
		if t.forgotten(address, asked.At) {
			return t, &events.FieldError{Field: "add", Reason: fmt.Sprintf("has number %d, which may have been taken back since: what is older than %s is not remembered",
				i+1, t.Change.Forgot.UTC().Format(time.RFC3339))}
		}
		if !out.hear(Word{Address: address, At: asked.At}) {
			continue
		}
		if err := out.add(address); err != nil {
			return t, fmt.Errorf("add number %d: %w", i+1, err)
		}
	}
	for i, address := range asked.Remove {
		if !out.hear(Word{Address: address, At: asked.At, Out: true}) {
			continue
		}
		if !slices.Contains(t.Reached(), address) && !t.Had(address) {
			return t, &events.FieldError{Field: "remove", Reason: fmt.Sprintf("has number %d, which is no address of the tenant", i+1)}
		}
		out.remove(address)
	}
	switch lasting := out.lasting(); {
	case len(lasting) == 0:
		return t, &events.FieldError{Field: "remove", Reason: "takes the tenant's last address: it leaves by being decommissioned"}
	case len(out.Reached()) > AddressesMost:
		return t, &events.FieldError{Field: "add", Reason: fmt.Sprintf(
			"makes it %d addresses, with those on their way out: a tenant has %d at most", len(out.Reached()), AddressesMost)}
	case len(lasting) == max(out.Change.Regular, 1):
		out.Change.Due = time.Time{}
	case out.Change.Due.IsZero():
		out.Change.Due = now.Add(term).UTC()
	}
	if out.State != TenantReady {
		out.Addresses = without(out.Addresses, out.Change.Going)
	}
	out.forget()
	if slices.Equal(out.Change.Coming, t.Change.Coming) && slices.Equal(out.Change.Going, t.Change.Going) {
		// Nothing new is wanted; but what was given up is tried again.
		if out.changes() && (out.Step == "" || out.Step == StepReport && out.Stuck.OfChange()) && out.State == TenantReady {
			out = RestTenant(out, now)
		}
		if slices.Equal(out.Change.Words, t.Change.Words) && out.Progress == t.Progress {
			return t, nil
		}
		return out, nil
	}
	out.History = Append(out.History, Entry{
		At: now.UTC(), What: "addresses", Why: asked.words(out.Change), Correlation: asked.Correlation,
	})
	if out.State == TenantReady {
		// Its storage is said to be ready once its share is as desired, which the change may just have undone.
		out.Change.Untold = out.Change.Untold || out.Step == StepServe || out.Stuck == StepServe
		out = RestTenant(out, now)
	}
	return out, nil
}

// words say what a wish made of a tenant's addresses, and by whom and why it was wanted, as far as that was said.
func (a AddressChange) words(made Change) string {
	text := fmt.Sprintf("coming %s, going %s", orNone(made.Coming), orNone(made.Going))
	if a.By != "" {
		text += ", by " + a.By
	}
	if a.Why != "" {
		text += ": " + a.Why
	}
	return text + " (message " + a.Message + ")"
}

// Gets reports whether a change of its record brings a tenant an address that was not its own: it has to be nobody else's,
// and one that an instance may have.
func (t Tenant) Gets(address string, by Tenant) bool {
	return slices.Contains(by.Change.Coming, address) && !slices.Contains(t.Reached(), address)
}

func (t *Tenant) add(address string) error {
	c := &t.Change
	switch going := slices.Contains(c.Going, address); {
	case slices.Contains(t.Addresses, address):
		c.Going = without(c.Going, []string{address})
	case slices.Contains(c.Coming, address):
	case t.State == TenantReady && (going || slices.Contains(c.Evicted, address)):
		return ErrGoing // whoever puts it out could be late, and would undo what lets it in
	default:
		c.Going, c.Coming = without(c.Going, []string{address}), append(c.Coming, address)
	}
	return nil
}

func (t *Tenant) remove(address string) {
	c := &t.Change
	if coming := slices.Contains(c.Coming, address); coming || slices.Contains(t.Addresses, address) {
		c.Coming = without(c.Coming, []string{address})
		if !slices.Contains(c.Going, address) {
			c.Going = append(c.Going, address)
		}
	}
}

func without(from, these []string) []string {
	return slices.DeleteFunc(slices.Clone(from), func(a string) bool { return slices.Contains(these, a) })
}

func orNone(addresses []string) string {
	if len(addresses) == 0 {
		return "none"
	}
	return strings.Join(addresses, ", ")
}
