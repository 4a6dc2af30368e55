package page

import (
	"encoding/json"
	"fmt"
	"net/http"

	"headroom/internal/pool"
)

// guestNames are of customers that sign up by the page; the demo's own have others.
var guestNames = []string{
	"maple", "nimbus", "onyx", "prairie", "quartz", "river", "sierra", "tundra", "umber", "violet", "willow", "yarrow", "zephyr",
	"aspen", "brook", "cedar", "dune", "echo", "fern", "glacier",
}

// signupsMost is how many signups one press sends at most.
const signupsMost = 10

// guest names the n-th customer of the page, from 0, and the address of its server: one of its own, on loopback.
func guest(n int) (id, address string) {
	id = guestNames[n%len(guestNames)]
	if n >= len(guestNames) {
		id = fmt.Sprintf("%s-%d", id, n/len(guestNames)+1)
	}
	return id, fmt.Sprintf("127.24.%d.%d", n/200%256, n%200+1)
}

// done is what an order came to.
type done struct {
	Said   string `json:"said"`
	Tenant string `json:"tenant,omitempty"` // whose way can be followed
}

// mayAct refuses orders while the demo shows what it shows by itself.
func (p *Page) mayAct() error {
	if !p.open.Load() {
		return refusal{http.StatusConflict, "The demo still shows what it shows by itself; the buttons work once that is over."}
	}
	return nil
}

// bodyLimit bounds what is read of an order.
const bodyLimit = 1 << 12

func order(r *http.Request, into any) error {
	decoder := json.NewDecoder(http.MaxBytesReader(nil, r.Body, bodyLimit))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return refusal{http.StatusBadRequest, "the order can't be read: " + err.Error()}
	}
	return nil
}

func (p *Page) postSignups(r *http.Request) (any, error) {
	var in struct{ Count int }
	if err := order(r, &in); err != nil {
		return nil, err
	}
	if in.Count < 1 || in.Count > signupsMost {
		return nil, refusal{http.StatusBadRequest, fmt.Sprintf("the count must be from 1 to %d", signupsMost)}
	}
	if err := p.mayAct(); err != nil {
		return nil, err
	}
	var first string
	for range in.Count {
		p.mu.Lock()
		id, address := guest(p.guests)
		p.guests++
		p.known[pool.TenantID(id)] = true
		p.mu.Unlock()
		if first == "" {
			first = id
		}
		if err := p.Actor.SignUp(r.Context(), id, address); err != nil {
			return nil, fmt.Errorf("sign %s up: %w", id, err)
		}
	}
	if in.Count == 1 {
		return done{first + " signs up", first}, nil
	}
	return done{fmt.Sprintf("%s and %d others sign up", first, in.Count-1), first}, nil
}

func (p *Page) postTerminate(r *http.Request) (any, error) {
	if err := order(r, &struct{}{}); err != nil {
		return nil, err
	}
	host, err := p.hostOf(r, pool.Share)
	if err != nil {
		return nil, err
	}
	if err := p.Actor.Terminate(r.Context(), host); err != nil {
		return nil, err
	}
	return done{Said: "the machine of " + host + " is terminated: another takes its disks, and goes on as the same gateway"}, nil
}

func (p *Page) postStrain(r *http.Request) (any, error) {
	var in struct{ On bool }
	if err := order(r, &in); err != nil {
		return nil, err
	}
	host, err := p.hostOf(r, pool.Database)
	if err != nil {
		return nil, err
	}
	if err := p.Actor.Strain(r.Context(), host, in.On); err != nil {
		return nil, err
	}
	p.mu.Lock()
	p.strained[host] = in.On
	p.mu.Unlock()
	if in.On {
		return done{Said: host + " is overloaded: its processor is busy all the time. Its alarm rings after three periods of five minutes"}, nil
	}
	return done{Said: host + " is left in peace"}, nil
}

// hostOf is the host of a kind that an order is about.
func (p *Page) hostOf(r *http.Request, kind pool.Kind) (string, error) {
	if err := p.mayAct(); err != nil {
		return "", err
	}
	id := pool.HostID(r.PathValue("id"))
	key, _, err := id.Parse()
	if err != nil || key.Kind != kind {
		return "", refusal{http.StatusBadRequest, fmt.Sprintf("%s is no %s host", id, kind)}
	}
	hosts, err := p.Ledger.Hosts(r.Context(), []pool.HostID{id})
	if err != nil {
		return "", fmt.Errorf("look at host %s: %w", id, err)
	}
	host, ok := hosts[id]
	if !ok || host.State != pool.HostInService && host.State != pool.HostCordoned {
		return "", refusal{http.StatusConflict, fmt.Sprintf("%s is not in service", id)}
	}
	return string(id), nil
}
