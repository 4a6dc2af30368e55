package page

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"headroom/internal/pool"
)

// state is what is shown but for charts, at one time.
type state struct {
	Name   string       `json:"name"` // the stage's, such as headroom-dev
	Now    int64        `json:"now"`  // by the cloud's clock
	Speed  float64      `json:"speed"`
	Open   bool         `json:"open"` // its buttons work
	Tier   string       `json:"tier"`
	Queues []queueState `json:"queues"`
	Dead   []deadLetter `json:"dead"`
	Alarms []alarm      `json:"alarms"`
	picture

	News []entry `json:"news"` // after the number that was asked for
	Came int     `json:"came"` // news so far
}

// queueState is a queue with the one that its dead letters go to. One without is where messages end.
type queueState struct {
	Name    string `json:"name"`
	Ends    bool   `json:"ends"` // its messages are dead letters themselves: of rules and topics
	Visible int    `json:"visible"`
	Flying  int    `json:"flying"`
	Delayed int    `json:"delayed"`
	Oldest  int    `json:"oldest"` // seconds
	Dead    int    `json:"dead"`   // letters
}

// deadLetter is a message that nobody could handle, or that was refused.
type deadLetter struct {
	Queue string `json:"queue"`
	ID    string `json:"id"`
	At    int64  `json:"at"`
	Body  string `json:"body"`
	Why   string `json:"why"`
}

const (
	// lookEvery is how long a look at everything is good for, however many look.
	lookEvery = 400 * time.Millisecond
	// deadMost is how many dead letters of a queue are shown, and bodyMost how much of one.
	deadMost, bodyMost = 20, 2000
)

func (p *Page) getState(r *http.Request) (any, error) {
	after, err := strconv.Atoi(cmp.Or(r.URL.Query().Get("after"), "0"))
	if err != nil || after < 0 {
		return nil, refusal{http.StatusBadRequest, "after must be a number"}
	}
	s, err := p.look(r.Context())
	if err != nil {
		return nil, err
	}
	s.Now, s.Open = p.Now().UnixMilli(), p.open.Load()
	s.News, s.Came = p.news.after(after)
	return s, nil
}

// look looks at everything, or is what was seen a moment ago.
func (p *Page) look(ctx context.Context) (state, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.looked) < lookEvery {
		return p.last, nil
	}
	s := state{Name: p.Dashboard, Speed: p.Speed, Tier: p.Tier}
	var err error
	if s.picture, err = look(ctx, p.Ledger, slices.Collect(maps.Keys(p.known))); err != nil {
		return s, err
	}
	for i := range s.Tenants {
		p.known[pool.TenantID(s.Tenants[i].ID)] = true
		if s.Tenants[i].State == string(pool.TenantLeft) {
			if s.Tenants[i].Leaving, err = leaving(ctx, p.Ledger, pool.TenantID(s.Tenants[i].ID)); err != nil {
				return s, err
			}
		}
	}
	for _, pool := range s.Pools {
		for i := range pool.Hosts {
			pool.Hosts[i].Strain = p.strained[pool.Hosts[i].ID]
		}
	}
	if s.Alarms, err = p.monitoring.alarms(ctx); err != nil {
		return s, err
	}
	setAside(s.Alarms, p.Dashboard+"-", s.Pools)
	if s.Queues, s.Dead, err = p.lookAtQueues(ctx); err != nil {
		return s, err
	}
	p.last, p.looked = s, time.Now()
	return s, nil
}

// setAside notes which alarms are of hosts that are being made: such an instance sends nothing yet, and its alarm rings.
func setAside(alarms []alarm, prefix string, pools []poolPicture) {
	making := map[string]bool{}
	for _, p := range pools {
		for _, h := range p.Hosts {
			making[h.ID] = pool.HostState(h.State).Provisioning()
		}
	}
	for i := range alarms {
		host, is := pool.HostOfAlarm(prefix, alarms[i].Name)
		alarms[i].Making = is && making[string(host)]
	}
}

// leaving says how far a tenant's last way out has come.
func leaving(ctx context.Context, from ledger, id pool.TenantID) (string, error) {
	departures, err := from.Departures(ctx, id)
	if err != nil {
		return "", fmt.Errorf("look how %s leaves: %w", id, err)
	}
	if len(departures) == 0 {
		return "", nil
	}
	last := departures[len(departures)-1]
	for _, d := range departures {
		if !d.State.Ended() {
			last = d
		}
	}
	if last.Step == "" {
		return string(last.State), nil
	}
	return string(last.State) + ": " + string(last.Step), nil
}

func (p *Page) lookAtQueues(ctx context.Context) ([]queueState, []deadLetter, error) {
	states, err := p.Queues.States(ctx)
	if err != nil {
		return nil, nil, err
	}
	list, dead := []queueState{}, []deadLetter{}
	sources := map[string]string{} // of queues of dead letters
	for name, s := range states {
		if s.DeadLetters != "" {
			sources[s.DeadLetters] = name
		}
	}
	for _, name := range slices.Sorted(maps.Keys(states)) {
		s := states[name]
		source, isTarget := sources[name]
		if !isTarget {
			letters := states[s.DeadLetters]
			q := queueState{
				Name: shortQueue(name), Ends: s.DeadLetters == "", Visible: s.Visible, Flying: s.NotVisible, Delayed: s.Delayed,
				Oldest: int(s.Oldest.Seconds()), Dead: letters.Visible + letters.NotVisible,
			}
			if q.Ends {
				q.Dead = s.Visible + s.NotVisible
			}
			list = append(list, q)
			source = name
		}
		if s.DeadLetters != "" || s.Visible+s.NotVisible == 0 {
			continue
		}
		messages, err := p.Queues.Messages(ctx, name)
		if err != nil {
			return nil, nil, err
		}
		for _, m := range messages[:min(len(messages), deadMost)] {
			letter := deadLetter{Queue: shortQueue(source), ID: m.ID, At: m.Sent.UnixMilli(), Body: m.Body[:min(len(m.Body), bodyMost)]}
			if letter.Why = strings.TrimSpace(m.Attributes["field"] + " " + m.Attributes["reason"]); letter.Why == "" {
				letter.Why = cmp.Or(p.why(m.ID), "no reason is known: its function may have ended before it could say")
			}
			dead = append(dead, letter)
		}
	}
	return list, dead, nil
}

// generated is what CloudFormation makes of a queue's logical ID: the stack's name before it, and after it the CDK's
// hash, as far as there is room for it, and random letters.
var generated = regexp.MustCompile(`^[A-Za-z]+-[a-z0-9]+-(.+?)[0-9A-F]{0,8}-[A-Z0-9]+$`)

// shortQueue is a queue's name for people.
func shortQueue(name string) string {
	if found := generated.FindStringSubmatch(name); found != nil {
		return found[1]
	}
	return name
}

// ranges are how far back charts go.
var ranges = map[string]time.Duration{"15m": 15 * time.Minute, "1h": time.Hour, "3h": 3 * time.Hour}

// rangeLeast is how much time charts show at least, however young the run is.
const rangeLeast = 10 * time.Minute

func (p *Page) getDashboard(r *http.Request) (any, error) {
	back, ok := ranges[cmp.Or(r.URL.Query().Get("range"), "1h")]
	if !ok {
		return nil, refusal{http.StatusBadRequest, "range must be 15m, 1h or 3h"}
	}
	now := p.Now()
	back = min(back, max(now.Sub(p.began)+time.Minute, rangeLeast))
	return p.monitoring.board(r.Context(), now.Add(-back), now)
}

// tenantDetail is one tenant with its history, and its way.
type tenantDetail struct {
	ID      string        `json:"id"`
	State   string        `json:"state"`
	History []historyLine `json:"history"`
	Way     []step        `json:"way"`
}

type historyLine struct {
	At   int64  `json:"at"`
	What string `json:"what"`
	Why  string `json:"why"`
}

func (p *Page) getTenant(r *http.Request) (any, error) {
	ctx, id := r.Context(), pool.TenantID(r.PathValue("id"))
	t, err := p.Ledger.Tenant(ctx, id)
	if errors.Is(err, pool.ErrNotFound) {
		return nil, refusal{http.StatusNotFound, fmt.Sprintf("there is no tenant %s", id)}
	}
	if err != nil {
		return nil, err
	}
	departures, err := p.Ledger.Departures(ctx, id)
	if err != nil {
		return nil, err
	}
	detail := tenantDetail{ID: string(id), State: string(t.State), History: []historyLine{}}
	add := func(entries []pool.Entry, about string) {
		for _, e := range entries {
			detail.History = append(detail.History, historyLine{milli(e.At), about + e.What, e.Why})
		}
	}
	add(t.History, "")
	for _, d := range departures {
		add(d.History, "way out: ")
		for _, proof := range d.Proofs {
			detail.History = append(detail.History, historyLine{milli(proof.At), "proof of " + string(proof.Step), proof.What})
		}
	}
	slices.SortStableFunc(detail.History, func(a, b historyLine) int { return cmp.Compare(a.At, b.At) })
	detail.Way = p.way(string(id), p.namesOf(ctx, t))
	return detail, nil
}

// namesOf are what calls for a tenant name that is its own: its addresses, and its slots.
func (p *Page) namesOf(ctx context.Context, t pool.Tenant) []string {
	names := slices.Clone(t.Addresses)
	for _, h := range []pool.Holding{t.Database, t.Share} {
		if h.Host == "" {
			continue
		}
		names = append(names, h.Name)
		if hosts, err := p.Ledger.Hosts(ctx, []pool.HostID{h.Host}); err == nil {
			host := hosts[h.Host]
			if s := host.Slot(h.Index); s != nil && s.Generation == h.Generation && s.Share != "" {
				names = append(names, s.Share)
			}
		}
	}
	return names
}
