package operator

import (
	"context"
	"errors"
	"slices"
	"time"

	"headroom/internal/pool"
)

// Host is a host as it stands, in one line.
type Host struct {
	Host  pool.HostID    `json:"host"`
	Pool  string         `json:"pool"`
	State pool.HostState `json:"state"`
	Since time.Time      `json:"since"` // of the state
	Why   string         `json:"why"`   // of the state
	Slots HostSlots      `json:"slots"`
	Zone  string         `json:"zone,omitempty"`
	Work  *Work          `json:"work,omitempty"` // what is to be done next; left out: it rests
}

// HostSlots counts the slots of a host.
type HostSlots struct {
	Size        int `json:"size"`
	Used        int `json:"used"` // by tenants
	Free        int `json:"free"`
	OnShelf     int `json:"onShelf"` // of those that are free: set out, to be taken next
	Leaving     int `json:"leaving"`
	Cooling     int `json:"cooling"`
	Quarantined int `json:"quarantined"`
	Retired     int `json:"retired"`
}

// Work is what is to be done next of a record, and how that goes.
type Work struct {
	Step    pool.Step `json:"step,omitempty"`
	Due     time.Time `json:"due,omitzero"`      // past this it is tried again
	Tries   int       `json:"tries,omitempty"`   // past the deadline
	Error   string    `json:"error,omitempty"`   // the last
	Stuck   pool.Step `json:"givenUp,omitempty"` // step that was given up: people have to act
	Overdue bool      `json:"overdue,omitempty"`
}

func workOf(p pool.Progress, now time.Time) *Work {
	if p.Step == "" && p.Stuck == "" {
		return nil
	}
	w := &Work{Step: p.Step, Tries: p.Tries, Error: p.Error, Stuck: p.Stuck, Overdue: p.Overdue(now)}
	if !p.Due.IsZero() {
		w.Due = p.Due.UTC()
	}
	return w
}

// HostDetail is all of a host.
type HostDetail struct {
	Host
	OrderedAt time.Time   `json:"orderedAt"`
	Mark      string      `json:"mark"` // of its order; what lacks it is foreign
	Stack     string      `json:"stack"`
	Address   string      `json:"address,omitempty"`
	Machine   string      `json:"machine,omitempty"`
	Gateway   string      `json:"gateway,omitempty"`
	Cache     string      `json:"cache,omitempty"` // volume
	Image     string      `json:"image,omitempty"`
	Barred    []string    `json:"barred,omitempty"`    // why it takes no tenants
	Protected string      `json:"protected,omitempty"` // by whom, and why: it is not retired
	Retired   *Retirement `json:"retirement,omitempty"`
	SlotList  []Slot      `json:"slotList,omitempty"`
	Alarms    []HostAlarm `json:"alarms,omitempty"`
	Repair    *Repair     `json:"repair,omitempty"` // the present one, or the last
	History   []Event     `json:"history,omitempty"`
}

// Retirement is how a host came to be retired, and what is left of it.
type Retirement struct {
	Began time.Time `json:"began"`
	By    string    `json:"by,omitempty"` // left out: the pool check found that it is not needed
	Left  []Left    `json:"left,omitempty"`
}

// Left is something of a retired host that is left for a time.
type Left struct {
	What  string    `json:"what"`
	Name  string    `json:"name"`
	Until time.Time `json:"until,omitzero"` // left out: until a person deletes it
}

func retirementOf(r pool.Retirement) *Retirement {
	if r.At.IsZero() {
		return nil
	}
	out := &Retirement{Began: r.At.UTC(), By: r.By}
	for _, left := range r.Left {
		out.Left = append(out.Left, Left(left))
	}
	return out
}

// Slot is one slot of a host.
type Slot struct {
	Index      int            `json:"index"`
	Generation int            `json:"generation"`
	Name       string         `json:"name"`
	State      pool.SlotState `json:"state"`
	Since      time.Time      `json:"since,omitzero"` // of the state; of one that is assigned, when the tenant got it
	Tenant     pool.TenantID  `json:"tenant,omitempty"`
	Share      string         `json:"share,omitempty"`
	Bucket     string         `json:"bucket,omitempty"`
	Doubt      string         `json:"doubt,omitempty"` // of one in quarantine: why it could not be said whose it is when the ledger was recovered
}

// HostAlarm is what was last heard of one of a host's alarms.
type HostAlarm struct {
	Alarm string    `json:"alarm"`
	On    bool      `json:"on"`
	At    time.Time `json:"at"`
}

// Repair is how a host is mended, or changed as a person wants it.
type Repair struct {
	Repair string           `json:"repair"` // "<host>.<number>"
	State  pool.RepairState `json:"state"`
	Cause  string           `json:"cause"`
	Began  time.Time        `json:"began"`
	Way    pool.Way         `json:"way,omitempty"`
	Asked  string           `json:"asked,omitempty"` // what is wanted of a person
	Tried  []Tried          `json:"tried,omitempty"`
	Lost   string           `json:"lost,omitempty"`    // what may have been lost, when its gateway was given up
	Loses  string           `json:"mayLose,omitempty"` // what may be lost if its gateway is given up, while that can be chosen
	Kept   []KeptDisk       `json:"kept,omitempty"`
	Work   *Work            `json:"work,omitempty"`
}

// KeptDisk is a disk that is kept for a term, and longer when it may hold what is nowhere else.
type KeptDisk struct {
	Volume  string    `json:"volume"`
	Until   time.Time `json:"until"`             // not deleted before
	Gateway string    `json:"gateway,omitempty"` // that it was of; empty: the host's
	Word    bool      `json:"word,omitempty"`    // it waits for a person's word
	Given   string    `json:"given,omitempty"`   // who gave it, and why
}

// Tried is a way of mending that was tried.
type Tried struct {
	Way  pool.Way  `json:"way"`
	At   time.Time `json:"at"`
	Came string    `json:"came,omitempty"` // what came of it
}

// Event is one line of a history.
type Event struct {
	At   time.Time `json:"at"`
	Of   string    `json:"of,omitempty"` // whose history it is from, where several are told as one
	What string    `json:"what"`
	Why  string    `json:"why"`

	CorrelationID string `json:"correlationId,omitempty"` // of the message that it came of; left out: it is not known
}

func eventsOf(of string, history []pool.Entry) []Event {
	var events []Event
	for _, e := range history {
		events = append(events, Event{At: e.At.UTC(), Of: of, What: e.What, Why: e.Why, CorrelationID: e.Correlation})
	}
	return events
}

// HostFilter says which hosts are meant.
type HostFilter struct {
	Pool  string         // empty: all
	State pool.HostState // empty: all that exist, or may exist
	All   bool           // also those that are gone
}

// Hosts lists hosts, by pool and number.
func (o *Operator) Hosts(ctx context.Context, f HostFilter) ([]Host, error) {
	hosts, err := o.hosts(ctx, f.Pool)
	if err != nil {
		return nil, err
	}
	if f.Pool != "" && len(hosts) == 0 {
		key, err := ParsePool(f.Pool)
		if err == nil {
			err = o.poolIsThere(ctx, key)
		}
		if err != nil {
			return nil, err
		}
	}
	var views []Host
	shelves := map[pool.Tier]pool.Shelf{}
	for _, h := range hosts {
		if f.State != "" && h.State != f.State || f.State == "" && !f.All && !h.State.Live() {
			continue
		}
		shelf, read := shelves[h.Tier]
		if !read {
			if shelf, err = o.Ledger.Shelf(ctx, h.Tier); err != nil {
				return nil, err
			}
			shelves[h.Tier] = shelf
		}
		views = append(views, hostOf(h, shelf, o.Now()))
	}
	return views, nil
}

// hosts reads the hosts of a pool, or of all: their IDs follow from the pool's last number.
func (o *Operator) hosts(ctx context.Context, of string) ([]pool.Host, error) {
	var keys []pool.Key
	if of != "" {
		key, err := ParsePool(of)
		if err != nil {
			return nil, err
		}
		keys = []pool.Key{key}
	} else {
		var err error
		if keys, err = o.keys(ctx, nil); err != nil {
			return nil, err
		}
	}
	var hosts []pool.Host
	for _, key := range keys {
		record, err := o.Ledger.Pool(ctx, key)
		if err != nil {
			return nil, err
		}
		var ids []pool.HostID
		for n := range record.Seq {
			ids = append(ids, key.Host(n+1))
		}
		found, err := o.Ledger.Hosts(ctx, ids)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			if h, ok := found[id]; ok {
				hosts = append(hosts, h)
			}
		}
	}
	return hosts, nil
}

func hostOf(h pool.Host, shelf pool.Shelf, now time.Time) Host {
	lying := shelf.Lying(h)
	view := Host{
		Host: h.ID, Pool: poolName(h.Key()), State: h.State, Since: h.Since.UTC(), Why: h.Why, Zone: h.Zone, Work: workOf(h.Progress, now),
		Slots: HostSlots{Size: max(h.Size, len(h.Slots)), Used: h.Used() - lying, Free: h.Free() + lying, OnShelf: lying, Leaving: h.Leaving(), Cooling: h.Cooling()},
	}
	for _, s := range h.Slots {
		switch s.State {
		case pool.SlotQuarantined:
			view.Slots.Quarantined++
		case pool.SlotRetired:
			view.Slots.Retired++
		}
	}
	return view
}

// readHost reads one host, and says what to do where there is none.
func (o *Operator) readHost(ctx context.Context, id string) (pool.Host, error) {
	if err := Judge("host", id); err != nil {
		return pool.Host{}, err
	}
	h, err := o.Ledger.Host(ctx, pool.HostID(id))
	return h, notFound(err, "headroom host list --all names those there are and were.", "there is no host %s", id)
}

// Host reads all of one host.
func (o *Operator) Host(ctx context.Context, id string) (HostDetail, error) {
	h, err := o.readHost(ctx, id)
	if err != nil {
		return HostDetail{}, err
	}
	shelf, err := o.Ledger.Shelf(ctx, h.Tier)
	if err != nil {
		return HostDetail{}, err
	}
	now := o.Now()
	view := HostDetail{
		Host: hostOf(h, shelf, now), OrderedAt: h.OrderedAt.UTC(), Mark: h.Mark, Stack: h.Stack.Name, Address: h.Access.Address, Machine: h.Access.Machine,
		Gateway: h.Access.Gateway, Cache: h.Access.Cache, Image: h.Image, Barred: h.Barred(), Protected: h.Protected, Retired: retirementOf(h.Retire), History: eventsOf("", h.History),
	}
	if view.SlotList, err = o.slotsOf(ctx, h, shelf); err != nil {
		return HostDetail{}, err
	}
	for name, mark := range h.Alarms {
		view.Alarms = append(view.Alarms, HostAlarm{Alarm: name, On: mark.On, At: mark.At.UTC()})
	}
	slices.SortFunc(view.Alarms, func(a, b HostAlarm) int { return compareText(a.Alarm, b.Alarm) })
	r, err := o.Ledger.Repair(ctx, h.ID)
	switch {
	case errors.Is(err, pool.ErrNotFound):
	case err != nil:
		return HostDetail{}, err
	default:
		view.Repair = repairOf(h, r, now)
	}
	return view, nil
}

func repairOf(h pool.Host, r pool.Repair, now time.Time) *Repair {
	view := &Repair{Repair: r.ID(), State: r.State, Cause: r.Cause, Began: r.Began.UTC(), Way: r.Way, Work: workOf(r.Progress, now)}
	if r.State == pool.RepairAsking {
		view.Asked = r.Asked
	}
	if r.MayGiveUp() {
		view.Loses = r.Loss(h)
	}
	for _, t := range r.Tried {
		view.Tried = append(view.Tried, Tried{Way: t.Way, At: t.At.UTC(), Came: t.Came})
	}
	view.Lost = r.Renewal.Lost
	for _, k := range r.Kept {
		view.Kept = append(view.Kept, KeptDisk{Volume: k.Volume, Until: k.Until.UTC(), Gateway: k.Gateway, Word: !k.Doomed(), Given: k.Given})
	}
	return view
}
