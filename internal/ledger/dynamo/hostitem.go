package dynamo

import (
	"time"

	"headroom/internal/pool"
)

// hostItem is a host's stored form. Reserve and Used put a host in service that has slots in
// reserve into the index of those.
type hostItem struct {
	key
	deadline
	Reserve string `dynamodbav:"reserve,omitempty"` // "<kind>#<tier>"
	Used    *int   `dynamodbav:"used,omitempty"`    // slots set out or taken

	Form      int            `dynamodbav:"form"`
	ID        pool.HostID    `dynamodbav:"id"`
	Kind      pool.Kind      `dynamodbav:"kind"`
	Tier      pool.Tier      `dynamodbav:"tier"`
	State     pool.HostState `dynamodbav:"state"`
	Since     time.Time      `dynamodbav:"since"`
	Why       string         `dynamodbav:"why"`
	DecidedAt time.Time      `dynamodbav:"decidedAt"`
	OrderedAt time.Time      `dynamodbav:"orderedAt"`
	Mark      string         `dynamodbav:"mark"`
	Size      int            `dynamodbav:"size"`
	Zone      string         `dynamodbav:"zone,omitempty"`
	Image     string         `dynamodbav:"image,omitempty"`
	Gateways  int            `dynamodbav:"gateways,omitempty"`
	Losses    []lossItem     `dynamodbav:"losses,omitempty"`
	Price     pool.Cents     `dynamodbav:"price,omitempty"`
	Cap       pool.Cents     `dynamodbav:"cap,omitempty"`
	progress
	Untold    bool                 `dynamodbav:"untold,omitempty"`
	Stack     stackItem            `dynamodbav:"stack"`
	Access    accessItem           `dynamodbav:"access"`
	Slots     []slotItem           `dynamodbav:"slots"`
	Alarms    map[string]alarmItem `dynamodbav:"alarms,omitempty"`
	Rang      []time.Time          `dynamodbav:"rang,omitempty"`
	Calm      *time.Time           `dynamodbav:"calm,omitempty"`
	Set       *time.Time           `dynamodbav:"set,omitempty"`
	Doubt     string               `dynamodbav:"doubt,omitempty"`
	ByHand    string               `dynamodbav:"byHand,omitempty"`
	Drained   string               `dynamodbav:"drained,omitempty"`
	Protected string               `dynamodbav:"protected,omitempty"`
	Retire    *retireItem          `dynamodbav:"retire,omitempty"`
	Trouble   string               `dynamodbav:"trouble,omitempty"`
	Repair    int                  `dynamodbav:"repair,omitempty"`
	Strikes   []strikeItem         `dynamodbav:"strikes,omitempty"`
	History   []entryItem          `dynamodbav:"history"`
	Version   int64                `dynamodbav:"version"`
}

type retireItem struct {
	By   string        `dynamodbav:"by,omitempty"`
	At   *time.Time    `dynamodbav:"at,omitempty"`
	Off  *time.Time    `dynamodbav:"off,omitempty"`
	Left []remnantItem `dynamodbav:"left,omitempty"`
}

type remnantItem struct {
	What  string     `dynamodbav:"what"`
	Name  string     `dynamodbav:"name"`
	Until *time.Time `dynamodbav:"until,omitempty"`
}

func encodeRetirement(r pool.Retirement) *retireItem {
	if r.At.IsZero() && r.Off.IsZero() {
		return nil
	}
	i := retireItem{By: r.By, At: moment(r.At), Off: moment(r.Off)}
	for _, left := range r.Left {
		i.Left = append(i.Left, remnantItem{left.What, left.Name, moment(left.Until)})
	}
	return &i
}

func (i *retireItem) retirement() pool.Retirement {
	if i == nil {
		return pool.Retirement{}
	}
	r := pool.Retirement{By: i.By, At: from(i.At), Off: from(i.Off)}
	for _, left := range i.Left {
		r.Left = append(r.Left, pool.Remnant{What: left.What, Name: left.Name, Until: from(left.Until)})
	}
	return r
}

type stackItem struct {
	Name  string `dynamodbav:"name"`
	ID    string `dynamodbav:"id,omitempty"`
	Token string `dynamodbav:"token"`
}

// accessItem has short names because it stands in shelves too, which every claim pays for.
type accessItem struct {
	Address       string `dynamodbav:"a"`
	Port          int    `dynamodbav:"p,omitempty"`
	MasterSecret  string `dynamodbav:"m,omitempty"`
	Gateway       string `dynamodbav:"g,omitempty"`
	Appliance     string `dynamodbav:"i,omitempty"`
	SecurityGroup string `dynamodbav:"s,omitempty"`
	Machine       string `dynamodbav:"e,omitempty"`
	Cache         string `dynamodbav:"c,omitempty"`
	CacheGiB      int    `dynamodbav:"n,omitempty"`
}

type slotItem struct {
	Index      int            `dynamodbav:"index"`
	Generation int            `dynamodbav:"generation"`
	Name       string         `dynamodbav:"name"`
	State      pool.SlotState `dynamodbav:"state"`
	Since      time.Time      `dynamodbav:"since"`
	Bucket     string         `dynamodbav:"bucket,omitempty"`
	Role       string         `dynamodbav:"role,omitempty"`
	Share      string         `dynamodbav:"share,omitempty"`
	Refill     int64          `dynamodbav:"refill,omitempty"`
	Tenant     pool.TenantID  `dynamodbav:"tenant,omitempty"`
	Doubt      string         `dynamodbav:"doubt,omitempty"`
}

type strikeItem struct {
	Tenant pool.TenantID `dynamodbav:"tenant"`
	At     time.Time     `dynamodbav:"at"`
}

type alarmItem struct {
	On bool      `dynamodbav:"on"`
	At time.Time `dynamodbav:"at"`
}

func encodeHost(h pool.Host) (item, error) {
	i := hostItem{
		key: hostKey(h.ID), deadline: deadlineOf(dueHost, h.Due), Form: form,
		ID: h.ID, Kind: h.Kind, Tier: h.Tier, State: h.State, Since: h.Since, Why: h.Why,
		DecidedAt: h.DecidedAt, OrderedAt: h.OrderedAt, Mark: h.Mark, Size: h.Size, Zone: h.Zone, Image: h.Image, progress: encodeProgress(h.Progress),
		Gateways: h.Gateways, Price: h.Price, Cap: h.Cap, Untold: h.Untold, Doubt: h.Doubt, ByHand: h.ByHand, Repair: h.Repair, Trouble: h.Trouble,
		Drained: h.Drained, Protected: h.Protected, Retire: encodeRetirement(h.Retire), Rang: h.Rang, Calm: moment(h.Calm), Set: moment(h.Set),
		Stack: stackItem(h.Stack), Access: accessItem(h.Access), History: encodeHistory(h.History), Version: h.Version,
	}
	if h.State == pool.HostInService && h.Free() > 0 {
		used := h.Used()
		i.Reserve, i.Used = h.Key().String(), &used
	}
	for _, slot := range h.Slots {
		i.Slots = append(i.Slots, slotItem(slot))
	}
	i.Losses = encodeLosses(h.Losses)
	for _, strike := range h.Strikes {
		i.Strikes = append(i.Strikes, strikeItem(strike))
	}
	for name, mark := range h.Alarms {
		if i.Alarms == nil {
			i.Alarms = map[string]alarmItem{}
		}
		i.Alarms[name] = alarmItem(mark)
	}
	return encode(i)
}

func (i hostItem) host() pool.Host {
	h := pool.Host{
		ID: i.ID, Kind: i.Kind, Tier: i.Tier, State: i.State, Since: i.Since, Why: i.Why,
		DecidedAt: i.DecidedAt, OrderedAt: i.OrderedAt, Mark: i.Mark, Size: i.Size, Zone: i.Zone, Image: i.Image, Progress: i.progress.decode(i.time()),
		Gateways: i.Gateways, Price: i.Price, Cap: i.Cap, Untold: i.Untold, Doubt: i.Doubt, ByHand: i.ByHand, Repair: i.Repair, Trouble: i.Trouble,
		Drained: i.Drained, Protected: i.Protected, Retire: i.Retire.retirement(), Rang: i.Rang, Calm: from(i.Calm), Set: from(i.Set),
		Stack: pool.Stack(i.Stack), Access: pool.Access(i.Access), History: decodeHistory(i.History), Version: i.Version,
	}
	for _, slot := range i.Slots {
		h.Slots = append(h.Slots, pool.Slot(slot))
	}
	h.Losses = decodeLosses(i.Losses)
	for _, strike := range i.Strikes {
		h.Strikes = append(h.Strikes, pool.Strike(strike))
	}
	for name, mark := range i.Alarms {
		if h.Alarms == nil {
			h.Alarms = map[string]pool.AlarmMark{}
		}
		h.Alarms[name] = pool.AlarmMark(mark)
	}
	return h
}
