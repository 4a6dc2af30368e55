package faults

import (
	"context"
	"fmt"
	"strings"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// person is somebody who wants storage, with what that person was told.
type person struct {
	id       pool.TenantID
	address  string
	since    time.Time
	ready    *events.StorageReady
	waiting  *events.StorageWaiting
	rejected string // why the last signup was

	asked    time.Time              // when it last wanted to leave
	leaves   map[string][]time.Time // each time, by the life that wanted it
	returned time.Time              // when it last signed up after it had left
	released time.Time
	refused  string          // why its last wish was
	others   []string        // addresses that it wanted
	wrote    map[string]bool // lives that wrote something
	wroteAt  map[string]time.Time
	restores int                  // that it asked for
	closed   map[string]time.Time // when that was asked for of which a life was last said to be out
	stays    map[string]time.Time // likewise, to be in again
}

// town are the people around a stage: those who sign up, and those who run it. They hear what is said.
type town struct {
	w         *world
	people    map[pool.TenantID]*person
	order     []*person
	passwords map[string]pool.TenantID // who knows which
	notices   []events.Notice
	told      map[string]bool      // of which tenants and hosts people were told
	rows      map[string]time.Time // that were written besides the first, and when
	grace     time.Duration
	words     map[pool.HostID]map[pool.Way]bool // that were ever given
	moves     int
	tidied    time.Time
}

func newTown(w *world) *town {
	return &town{w: w, people: map[pool.TenantID]*person{}, passwords: map[string]pool.TenantID{}, told: map[string]bool{}, rows: map[string]time.Time{}, words: map[pool.HostID]map[pool.Way]bool{}, grace: graceOf}
}

// knows notes that a tenant knows a password, because it is in its secret.
func (t *town) knows(id pool.TenantID, password string) { t.passwords[password] = id }

// Publish hears events.
func (t *town) Publish(_ context.Context, out ...events.Event) error {
	for _, e := range out {
		t.w.trace("said: %s %+v", e.DetailType(), e)
		switch e := e.(type) {
		case events.StorageReady:
			t.hearReady(e)
		case events.StorageWaiting:
			if p := t.people[pool.TenantID(e.TenantID)]; p != nil {
				p.waiting = &e
			}
		case events.SignupRejected:
			if p := t.people[pool.TenantID(e.TenantID)]; p != nil {
				p.rejected = e.Field + " " + e.Reason
			}
		case events.AccessChanged:
			t.hearChanged(e)
		case events.TenantRestored:
			t.isBack(e)
		default:
			t.hearLeaving(e)
		}
	}
	return nil
}

// Notify hears what people are told.
func (t *town) Notify(_ context.Context, subject, _ string, data events.Notice) error {
	t.w.trace("notice: %s: %s", subject, data.Reason)
	t.notices = append(t.notices, data)
	if _, refusal, refused := strings.Cut(data.Reason, "the guard refuses it: "); refused && t.w.putback.from.IsZero() { // what is cleared by a ledger of before is to be refused
		for _, why := range strings.Split(refusal, "; ") {
			if !strings.HasPrefix(why, "the stop switch is on") { // all else should not have been tried
				t.w.found("the guard has nothing to refuse", "%s", data.Reason)
			}
		}
	}
	t.told[data.TenantID], t.told[data.HostID] = true, true
	return nil
}

// people have their day: they sign up, and things happen to hosts.
func (w *world) people() {
	every := time.Duration(10+w.will.IntN(110)) * time.Minute
	var come, meet func()
	come = func() {
		n := 1
		if rush := w.chances[Rush]; rush.comes() {
			n = 2 + rush.draw.IntN(8)
		}
		for ; n > 0 && len(w.town.order) < peopleMost && w.chances[SignUp].comes(); n-- {
			w.town.comes()
		}
		w.after(time.Duration(w.will.ExpFloat64()*float64(every)), come)
	}
	meet = func() {
		w.meet()
		w.town.wishes()
		w.town.operators()
		w.after(time.Duration(w.will.ExpFloat64()*float64(20*time.Minute)), meet)
	}
	w.after(time.Duration(w.will.IntN(60))*time.Minute, come)
	w.after(time.Hour, meet)
}

// peopleMost is how many people there are at most: ceilings have room for them.
const peopleMost = 24

// comes has somebody new sign up.
func (t *town) comes() {
	n := len(t.order) + 1
	p := &person{id: pool.TenantID(fmt.Sprintf("t%d", n)), address: fmt.Sprintf("10.0.%d.%d", n/200, 1+n%200), since: t.w.now, leaves: map[string][]time.Time{}, wrote: map[string]bool{}, wroteAt: map[string]time.Time{}, closed: map[string]time.Time{}, stays: map[string]time.Time{}}
	if len(t.order) > 0 && t.w.chances[Again].comes() { // from where somebody else is
		p.address = t.order[t.w.will.IntN(len(t.order))].address
	}
	t.people[p.id] = p
	t.order = append(t.order, p)
	t.w.ailsJustNow()
	t.signUp(p, p.address)
}

func (t *town) signUp(p *person, address string) {
	t.w.trace("%s signs up from %s", p.id, address)
	t.asks(func() {
		t.w.send(t.w.signups, events.SignupRequested{Version: events.Version, TenantID: string(p.id), Tier: string(tier), InstanceIP: address})
	})
}

// asks has somebody ask for something, once, or several times in haste.
func (t *town) asks(send func()) {
	send()
	if haste := t.w.chances[Haste]; haste.comes() {
		for range 1 + haste.draw.IntN(3) {
			t.w.after(haste.between(0, 2*time.Second), send)
		}
	}
}

// ailsJustNow has some host ail: it is most of a nuisance when somebody signs up.
func (w *world) ailsJustNow() {
	hosts := w.cloud.stacks.sorted()
	if len(hosts) == 0 || !w.chances[Ailing].comes() {
		return
	}
	if h := hosts[w.will.IntN(len(hosts))]; h.made {
		w.cloud.ail(h.name)
	}
}

// meet has something happen that nobody planned.
func (w *world) meet() {
	if len(w.town.order) > 0 && w.chances[Again].comes() {
		p := w.town.order[w.will.IntN(len(w.town.order))]
		switch address := p.address; w.will.IntN(4) {
		case 0: // it moved without a word
			w.town.signUp(p, fmt.Sprintf("10.9.0.%d", 1+w.will.IntN(250)))
		case 1: // it claims to be somebody else
			w.town.signUp(p, w.town.order[w.will.IntN(len(w.town.order))].address)
		default:
			w.town.signUp(p, address)
		}
	}
	hosts := w.cloud.stacks.sorted()
	if len(hosts) == 0 || w.calmed {
		return
	}
	h := hosts[w.will.IntN(len(hosts))]
	if !h.made {
		return
	}
	w.ailsJustNow()
	w.breaks()
	w.quotas.squeeze()
	w.cloud.darken()
	w.cross()
	w.cloud.wreck(h)
	ringing := w.chances[Ringing]
	if ringing.comes() {
		w.cloud.ring(h, true)
		w.after(ringing.between(time.Minute, 2*time.Hour), func() { w.cloud.ring(h, false) })
	}
}
