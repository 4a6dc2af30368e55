package decommission

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/adapter/gateway"
	"headroom/internal/adapter/gateway/gatewaytest"
	"headroom/internal/adapter/queue"
	"headroom/internal/killtest"
	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// alter changes a host's record.
func (w *world) alter(id pool.HostID, change func(pool.Host) pool.Host) {
	w.t.Helper()
	_, _, err := ledger.UpdateHost(context.Background(), w.ledger, id, w.now, func(h pool.Host) (pool.Host, pool.Outcome, error) {
		return change(h), pool.Neutral, nil
	})
	w.must(err)
}

// answers fails for a share of a gateway that was lost.
func (w *world) answers(share pool.ShareRef) error {
	if slices.ContainsFunc(w.gateways.Shares(), func(s gatewaytest.Share) bool { return s.ID == share.ID && w.lost[s.Gateway] }) {
		return fmt.Errorf("look at share %s: %w", share.ID, pool.ErrUnreachable)
	}
	return nil
}

// beyondHelp has a gateway be down, and its host in repair. It is never back.
func (w *world) beyondHelp(id pool.HostID) {
	w.t.Helper()
	arn := w.host(id).Access.Gateway
	w.gateways.Away(arn, true)
	w.lost[arn] = true
	w.alter(id, func(h pool.Host) pool.Host {
		h.State, h.Repair = pool.HostCordoned, 1
		return h
	})
}

// tagsOf are the tags of a slot's share.
func tagsOf(s pool.Slot) map[string]string {
	tags := map[string]string{"headroom:generation": fmt.Sprint(s.Generation)}
	if s.State == pool.SlotAssigned || s.State == pool.SlotLeaving {
		tags["headroom:tenant"] = string(s.Tenant)
	}
	return tags
}

// renew moves a host to a new gateway, as its repair does: shares are made for the generations that there are, and the record
// is moved in one write. lax is whether a share that was withdrawn at the old one is known to be gone.
func (w *world) renew(id pool.HostID, lax bool) {
	w.t.Helper()
	ctx, h := context.Background(), w.host(id)
	g := &gateway.Gateways{Client: w.gateways, Region: "eu-west-1"}
	key := fmt.Sprintf("%s of %d", id, h.Gateways+2)
	w.gateways.Keys[key] = true
	arn, err := g.Activate(ctx, key, string(id), nil)
	w.must(err)
	w.must(g.AddCache(ctx, arn))
	r := pool.Repair{Host: id, Number: 1, State: pool.RepairMending, Way: pool.WayGateway, Machine: h.Access.Machine, Next: "i-" + key, To: "ami-1"}
	r.Renewal = pool.Renewal{Mark: r.ID(), Gateway: arn, Cache: "vol-" + key}
	r.Proofs = []pool.Proof{{Step: pool.StepFence, At: w.now}}
	r.Seen = pool.LastLook{Gateway: h.Access.GatewayID(), Unuploaded: pool.Unuploaded{Dirty: 2, DirtyAt: w.now.Add(-time.Hour)}, CacheGiB: 150}
	if d, err := w.ledger.Departure(ctx, "acme.markacme"); err == nil {
		r.Seen = r.Seen.NameFailing(*h.Slot(1), d.Failing)
	}
	for _, s := range h.Slots {
		fresh := pool.NewShare{Index: s.Index, Generation: s.Generation, Role: fmt.Sprintf("%s-%d", s.Role, h.Gateways+2)}
		gone := !slices.ContainsFunc(w.gateways.Shares(), func(have gatewaytest.Share) bool { return have.ID == s.Share })
		if s.Share != "" && s.State != pool.SlotRetired && (!gone || lax) {
			fresh.Share, err = g.CreateShare(ctx, pool.ShareSpec{
				Token: fmt.Sprintf("%s-%02d-%d-%s", h.Mark, s.Index, s.Generation, key), Gateway: arn, Bucket: s.Bucket, Role: fresh.Role, Name: s.Name, Key: shareKey,
				Clients: []string{nobody}, Tags: tagsOf(s),
			})
			w.must(err)
		}
		r.Renewal.Shares = append(r.Renewal.Shares, fresh)
	}
	w.alter(id, func(h pool.Host) pool.Host {
		moved, against := pool.MoveToGateway(pool.MoveTarget{Host: h, Repair: r})
		if len(against) > 0 {
			w.t.Fatal("the host is not moved: " + strings.Join(against, "; "))
		}
		moved.State, moved.Repair = pool.HostInService, 0
		return moved
	})
}

// atNewGateway fails unless the departure has come to its end, and its slot has a share of its host's present gateway, which has
// no other of it. What the old gateway has is out of everybody's reach.
func (w *world) atNewGateway(t *testing.T, what string) {
	t.Helper()
	h := w.host("share-standard-1")
	if d := w.departure("acme.markacme"); d.State != pool.DepartureLeft || w.stuck > 0 {
		c, _ := w.ledger.Clearance(context.Background(), clearanceOf(d.ID(), pool.Share))
		t.Fatalf("%s: it is %s at %q, stuck at %q: %s; the share's clearance %s at %q, stuck at %q: %s; told %d times",
			what, d.State, d.Step, d.Stuck, d.Error, c.State, c.Step, c.Stuck, c.Error, w.stuck)
	}
	for _, slot := range h.Slots {
		var has []gatewaytest.Share
		for _, share := range w.gateways.Shares() {
			if share.Gateway == h.Access.Gateway && share.Bucket == slot.Bucket {
				has = append(has, share)
			}
		}
		if len(has) != 1 || has[0].ID != slot.Share || has[0].Name != slot.Name || has[0].Role != slot.Role || !slices.Equal(has[0].Clients, []string{nobody}) {
			t.Errorf("%s: slot %+v has the shares %+v", what, slot, has)
		}
	}
	if slot := h.Slot(1); slot.State != pool.SlotFree || slot.Generation != 2 || len(w.remains(1)) > 0 {
		t.Errorf("%s: the slot is %+v, with %v", what, slot, w.remains(1))
	}
	if rules := w.groups.Rules(h.Access.SecurityGroup); len(rules) > 0 {
		t.Errorf("%s: let in are %v", what, rules)
	}
	w.saysWhatIsMissing(t, what)
	// A report that the old gateway was at is never made, and can't be deleted.
	left := slices.DeleteFunc(w.reported(), func(what string) bool { return strings.HasSuffix(what, "IN_PROGRESS") })
	if o := w.outcome(); o.Running > 0 || len(left) > 0 {
		t.Errorf("%s: %d tasks run; left of reports is %v", what, o.Running, left)
	}
}

// TestADepartureFollowsItsGatewayAtEveryCall has the gateway be given up for another just before each call that a departure
// makes: all that it knows of the old one's share is of no use from then on. Who makes the call may be cut short by that.
func TestADepartureFollowsItsGatewayAtEveryCall(t *testing.T) {
	follows := func(n int, lax, cut bool) (there, withdrawn bool) {
		w := newWorld(t)
		w.short()
		w.mess(1)
		w.ask("acme", "")
		old := w.leaversShare()
		calls, at := 0, ""
		w.call = func(operation string, do func() error) error {
			if calls++; calls == n {
				at = fmt.Sprintf("renewed before call %d, %s, which is cut short %v, withdrawn shares made anew %v", n, operation, cut, lax)
				withdrawn = !slices.ContainsFunc(w.gateways.Shares(), func(s gatewaytest.Share) bool { return s.ARN == old })
				w.beyondHelp("share-standard-1")
				w.renew("share-standard-1", lax)
				if cut {
					w.complain = false
					return errNotNow
				}
			}
			return do()
		}
		w.run(3*time.Hour, w.once)
		if at == "" {
			return false, false
		}
		w.atNewGateway(t, at)
		return true, withdrawn
	}
	for n := 1; !t.Failed(); n++ {
		there, withdrawn := follows(n, true, n%2 == 0)
		if !there {
			break
		}
		if withdrawn { // else there is nothing to be lax about, nor anything made
			follows(n, true, n%2 > 0)
			follows(n, false, n%2 > 0)
		}
	}
}

// TestADepartureWaitsForANewGatewayAtEveryCall has the gateway be down for eight hours, until people decide.
func TestADepartureWaitsForANewGatewayAtEveryCall(t *testing.T) {
	for n := 1; ; n++ {
		w := newWorld(t)
		w.short()
		w.mess(1)
		w.ask("acme", "")
		calls, at, up := 0, "", time.Time{}
		w.call = func(operation string, do func() error) error {
			if calls++; calls == n {
				at = fmt.Sprintf("failed before call %d, %s", n, operation)
				w.beyondHelp("share-standard-1")
				up = w.now.Add(8 * time.Hour)
			}
			if !up.IsZero() && !w.now.Before(up) {
				w.renew("share-standard-1", true)
				up = time.Time{}
			}
			return do()
		}
		w.run(2*time.Hour, w.once)
		if at == "" {
			break
		}
		w.run(12*time.Hour, w.once)
		if !up.IsZero() { // it was at its end
			w.renew("share-standard-1", true)
		}
		if w.atNewGateway(t, at); t.Failed() {
			return
		}
	}
}

// TestWhatALostGatewayCouldNotUploadHoldsNobodyUp has files fail to upload at a gateway that is given up then: nobody can say any
// more that they do not, and the new one has nothing to upload.
func TestWhatALostGatewayCouldNotUploadHoldsNobodyUp(t *testing.T) {
	cases := map[string]func() (*world, string){
		"before it is archived": func() (*world, string) { return clogged(t, "lost") },
		"before its share is deleted": func() (*world, string) {
			w := graced(t)
			share := w.leaversShare()
			w.gateways.Hold(share, true)
			w.gateways.Write(share, "lost")
			return w, share
		},
	}
	for what, begin := range cases {
		w, share := begin()
		w.run(time.Hour, w.once)
		if told := w.notices("fail to upload"); len(told) != 1 {
			t.Fatalf("%s: people were told %q", what, told)
		}
		under := func() bool {
			return slices.ContainsFunc(w.reported(), func(what string) bool { return strings.HasSuffix(what, "IN_PROGRESS") })
		}
		for range 1000 { // it is never told what the next report says
			if under() {
				break
			}
			w.run(0, w.once)
		}
		if !under() {
			t.Fatalf("%s: there is no other report", what)
		}
		w.beyondHelp("share-standard-1")
		w.run(time.Hour, w.once)
		w.renew("share-standard-1", true)
		w.run(4*time.Hour, w.once)
		w.atNewGateway(t, what)
		for _, s := range w.gateways.Shares() {
			if s.ARN == share && s.Leaving() {
				t.Errorf("%s: the share of the old gateway is being deleted", what)
			}
		}
	}
}

// saysWhatIsMissing fails unless the departure says what its archive may lack: that of gateways which were given up before they had said
// that all was uploaded, by the word on which it went on; and the certificate says the same.
func (w *world) saysWhatIsMissing(t *testing.T, what string) {
	t.Helper()
	d := w.departure("acme.markacme")
	at := slices.IndexFunc(d.Proofs, func(p pool.Proof) bool { return p.Step == pool.StepUpload })
	for _, m := range d.Missing {
		if says := d.Proofs[at].What; !strings.Contains(says, m.String()) || m.At.IsZero() || !m.At.Before(d.Proofs[at].At) && !m.At.Equal(d.Proofs[at].At) {
			t.Errorf("%s: it may lack %+v, and is proven by %q at %s", what, m, says, d.Proofs[at].At)
		}
	}
	if says := d.Proofs[at].What; len(d.Missing) == 0 && strings.Contains(says, "missing") {
		t.Errorf("%s: it lacks nothing, and is proven by %q", what, says)
	}
	certificate := w.certificate(t)
	if len(certificate.Missing) != len(d.Missing) {
		t.Errorf("%s: it may lack %+v, and the certificate says %+v", what, d.Missing, certificate.Missing)
	}
}

// certificate is the one of acme's first departure.
func (w *world) certificate(t *testing.T) (c events.Certificate) {
	t.Helper()
	content, _, err := w.store().ReadAll(t.Context(), pool.ObjectRef{Bucket: archives, Key: "acme.markacme/certificate.json"}, 1<<20)
	w.must(err)
	w.must(json.Unmarshal(content, &c))
	return c
}

// TestAnArchiveSaysWhatALostGatewayTookAlong has a gateway be given up while a departure waits for its word. The new one, which has nothing to
// upload, says that all is there; the old one may have said so too, before.
func TestAnArchiveSaysWhatALostGatewayTookAlong(t *testing.T) {
	for name, test := range map[string]struct {
		word    func(*world, []byte) // what becomes of the old gateway's word that all is uploaded; nil: it never gives it
		doubled bool
		lacks   bool
	}{
		"it never said that all is uploaded":                  {nil, false, true},
		"nor is that so for the new one's word being doubled": {nil, true, true},
		"it had said so, and that comes first": {func(w *world, word []byte) {
			w.hears(word)
			w.hears(word)
		}, false, false},
		"it had said so, and that comes when it is too late": {func(w *world, word []byte) {
			w.run(time.Hour, w.once)
			w.hears(word)
		}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.short()
			share := w.leaversShare()
			w.gateways.Hold(share, true)
			w.gateways.Write(share, "lost")
			w.ask("acme", "")
			w.until(func(d pool.Departure) bool { return d.Step == pool.StepUpload && d.Uploads != "" })
			var word []byte
			if test.word != nil {
				w.gateways.Hold(share, false)
				word = w.gateways.Take()[0]
			} else {
				w.run(20*time.Minute, w.once)
			}
			old := w.host("share-standard-1").Access.GatewayID()
			w.beyondHelp("share-standard-1")
			w.run(time.Hour, w.once)
			at := w.now
			w.renew("share-standard-1", true)
			w.gateways.Doubled = test.doubled
			if test.word != nil {
				test.word(w, word)
			}
			w.run(4*time.Hour, w.once)
			w.atNewGateway(t, name)
			d := w.departure("acme.markacme")
			if !test.lacks {
				if len(d.Missing) > 0 {
					t.Errorf("it may lack %+v", d.Missing)
				}
				return
			}
			if len(d.Missing) != 1 || d.Missing[0].Gateway != old || !d.Missing[0].At.Equal(at) || !strings.Contains(d.Missing[0].What, "up to 3 GiB, 2% of its cache of 150 GiB") {
				t.Fatalf("it may lack %+v", d.Missing)
			}
			if test.word == nil && !strings.Contains(d.Missing[0].What, "of this share a report named 1 file") {
				t.Errorf("it may lack %+v", d.Missing)
			}
			c := w.certificate(t)
			if c.Missing[0].Gateway != old || !c.Missing[0].GivenUp.Time.Equal(at) || c.Missing[0].What != d.Missing[0].What {
				t.Errorf("it is certified that it may lack %+v", c.Missing)
			}
			if last := slices.IndexFunc(d.History, func(e pool.Entry) bool { return e.What == "files may be missing" }); last < 0 {
				t.Errorf("its history is %+v", d.History)
			}
		})
	}
}

// hears has an event come now.
func (w *world) hears(event []byte) {
	w.t.Helper()
	w.must((&queue.Sender{Client: w.steps, URL: "url"}).SendRaw(context.Background(), string(event), nil))
	w.run(0, w.once)
}

// A tenant whose gateway was given up long before it leaves has an archive that lacks the same.
func TestAnArchiveSaysWhatWasLostBeforeItsTenantLeft(t *testing.T) {
	w := newWorld(t)
	w.short()
	w.beyondHelp("share-standard-1")
	w.renew("share-standard-1", true)
	first := w.now
	w.run(24*time.Hour, w.once)
	w.beyondHelp("share-standard-1")
	w.renew("share-standard-1", true)
	second := w.now
	w.ask("acme", "")
	w.run(4*time.Hour, w.once)
	w.atNewGateway(t, "it left at last")
	d := w.departure("acme.markacme")
	if len(d.Missing) != 2 || !d.Missing[0].At.Equal(first) || !d.Missing[1].At.Equal(second) {
		t.Errorf("it may lack %+v", d.Missing)
	}
	if h := w.host("share-standard-1"); len(h.Missing(pool.Holding{Host: h.ID, Index: 1, Generation: 2}, "acme", "")) > 0 {
		t.Errorf("whoever has its slot now lacks something: %+v", h.Losses)
	}
}

func TestWhatIsMissingIsSaidKilledAtEveryCall(t *testing.T) {
	killtest.EveryCall(t, func(t *testing.T, life *killtest.Life) int {
		w, _ := clogged(t, "lost")
		w.run(16*time.Minute, w.killable(life))
		w.beyondHelp("share-standard-1")
		w.renew("share-standard-1", true)
		w.run(2*time.Hour, w.killable(life))
		w.atNewGateway(t, "killed")
		return len(w.departure("acme.markacme").Missing)
	})
}
