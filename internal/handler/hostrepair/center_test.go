package hostrepair

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"headroom/internal/pool"
)

// center is a data center, as EC2, CloudFormation and Storage Gateway have it: one story, told by all of them. It does later
// what it is asked for, tells of it later still, and keeps account of what tenants were promised: each write that a gateway
// acknowledged must be in its bucket, or on a cache disk that there is.
type center struct {
	now      func() time.Time
	late     time.Duration // that what is told lags behind what is
	machines map[string]*instance
	volumes  map[string]*volume
	stacks   map[string]*stack // by ID
	gateways map[string]*gateway
	wrong    []string // what must never be, and was
	made     int      // machines and volumes so far
	past     []moment
	failing  int           // updates that fail next
	ending   time.Duration // that a machine takes to stop; 0: as usual
	busy     bool
	acted    bool           // something may have changed since the last tick
	deaf     bool           // new appliances do not import what they are given
	weak     bool           // new appliances import, and then do not come up
	unlisted map[string]int // how many lists by tags lack a volume yet
	deleted  []string       // volumes that were deleted by a call

	roles     map[string]*role
	shares    map[string]*madeShare
	activated int  // gateways
	stubborn  bool // roles that are to be deleted stay
}

// instance is a machine with the appliance on it.
type instance struct {
	id, stack, image, kind string
	state, next            pool.MachineState
	due                    time.Time        // when it comes to next
	up                     time.Time        // when its appliance has booted
	card                   string           // its primary interface
	disks                  map[string]*disk // by device
	hangs                  string           // what helps: "reboot", "restart", "nothing"; empty: it does not hang
	impaired               bool             // its status checks fail
	cut                    bool             // it reaches nothing of its region, and serves on from its cache
	ended                  time.Time
}

type disk struct {
	volume string
	dies   bool
	due    time.Time // when it is attached, or detached
	going  bool
}

const (
	rootDevice = "/dev/xvda"
	stopTime   = 40 * time.Second
	startTime  = 20 * time.Second
	bootTime   = 70 * time.Second
	endTime    = 25 * time.Second
	moveTime   = 6 * time.Second // of a disk
)

// volume is a disk.
type volume struct {
	tags   map[string]string
	serves string   // the gateway whose software is on it, or whose cache it is
	cache  bool     // it is a cache
	dirty  []string // writes that lie on it and nowhere else
}

// gateway is what Storage Gateway knows, and what its tenants do.
type gateway struct {
	id, card    string
	shares      []string
	seen        time.Time // when it was last heard of
	promised    []string  // writes that were acknowledged
	uploaded    map[string]bool
	unavailable map[string]bool // shares
	arn, name   string
	tags        map[string]string
	listed      time.Time // from when on it is listed
	measured    pool.Unuploaded
}

// moment is what could be seen at one.
type moment struct {
	at       time.Time
	machines map[string]pool.MachineLook
	places   map[string]pool.Attachment // where volumes are
}

func newCenter(now func() time.Time) *center {
	return &center{
		now: now, machines: map[string]*instance{}, volumes: map[string]*volume{}, stacks: map[string]*stack{}, gateways: map[string]*gateway{},
		roles: map[string]*role{}, shares: map[string]*madeShare{},
	}
}

func (c *center) name(prefix string) string {
	c.made++
	return fmt.Sprintf("%s-%d", prefix, c.made)
}

// launch makes a machine with a root disk of its own on an interface.
func (c *center) launch(s *stack, dies bool) *instance {
	m := &instance{
		id: c.name("i"), stack: s.id, image: s.parameters["ImageId"], kind: s.parameters["InstanceType"], card: s.card,
		state: pool.MachinePending, next: pool.MachineRunning, due: c.now().Add(startTime), up: c.now().Add(startTime + bootTime), disks: map[string]*disk{},
	}
	root := c.name("vol")
	c.volumes[root] = &volume{tags: maps.Clone(s.tags)}
	m.disks[rootDevice] = &disk{volume: root, dies: dies}
	c.machines[m.id] = m
	return m
}

// tick has everything come about that is due.
func (c *center) tick() {
	if c.busy {
		return // it is its own doing
	}
	if !c.acted && len(c.past) > 0 && c.past[len(c.past)-1].at.Equal(c.now()) {
		return // nothing can have come about
	}
	c.busy, c.acted = true, false
	defer func() { c.busy = false }()
	for _, s := range inOrder(c.stacks) {
		s.tick(c)
	}
	for _, m := range inOrder(c.machines) {
		for device, d := range m.disks {
			if d.going && !d.due.After(c.now()) {
				delete(m.disks, device)
			}
		}
		if m.next == "" || m.due.After(c.now()) {
			continue
		}
		m.state, m.next = m.next, ""
		if m.state == pool.MachineTerminated {
			for _, d := range m.disks {
				if d.dies {
					c.lose(d.volume)
				}
			}
			m.disks, m.ended = map[string]*disk{}, m.due
		}
	}
	c.run()
	c.note()
}

// acts is a tick before something is changed.
func (c *center) acts() {
	c.acted = true
	c.tick()
	c.acted = true
}

// lose takes a volume away for good.
func (c *center) lose(id string) { delete(c.volumes, id) }

// run has the appliances that serve be heard of, and notes what must not be.
func (c *center) run() {
	serving := map[string][]string{}
	for _, m := range inOrder(c.machines) {
		if g := c.serves(m); g != nil {
			serving[g.id] = append(serving[g.id], m.id)
			if !m.cut {
				g.seen = c.now()
			}
		}
	}
	for id, machines := range serving {
		if len(machines) > 1 {
			c.fault("gateway %s is on machines %s", id, strings.Join(machines, " and "))
		}
	}
	for _, g := range inOrder(c.gateways) {
		if m := c.awake(g); m != nil && c.cacheOf(m) != nil && c.cacheOf(m).serves == "" {
			g.seen = c.now() // it is activated, and has no cache yet
		}
	}
	c.writers()
	held := map[string]string{}
	for _, m := range inOrder(c.machines) {
		for _, d := range m.disks {
			if other := held[d.volume]; other != "" && other != m.id {
				c.fault("volume %s is at %s and %s", d.volume, other, m.id)
			}
			held[d.volume] = m.id
		}
	}
	for _, g := range inOrder(c.gateways) {
		for _, w := range g.promised {
			if !g.uploaded[w] && !c.lies(g, w) {
				c.fault("write %s to gateway %s was acknowledged, and is lost", w, g.id)
			}
		}
	}
}

func (c *center) lies(g *gateway, write string) bool {
	for _, v := range c.volumes {
		if v.cache && v.serves == g.id && slices.Contains(v.dirty, write) {
			return true
		}
	}
	return false
}

func (c *center) fault(format string, args ...any) {
	if what := fmt.Sprintf(format, args...); !slices.Contains(c.wrong, what) {
		c.wrong = append(c.wrong, what)
	}
}

// serves is the gateway that a machine serves just now; nil: it serves none.
func (c *center) serves(m *instance) *gateway {
	root, cache := m.disks[rootDevice], c.cacheOf(m)
	if m.state != pool.MachineRunning || m.up.After(c.now()) || m.hangs != "" || root == nil || c.volumes[root.volume] == nil || cache == nil {
		return nil
	}
	id := c.volumes[root.volume].serves
	if id == "" || cache.serves != id {
		return nil
	}
	return c.gateways[id]
}

func (c *center) cacheOf(m *instance) *volume {
	for _, d := range m.disks {
		if v := c.volumes[d.volume]; v != nil && v.cache && !d.going && !d.due.After(c.now()) {
			return v
		}
	}
	return nil
}

// at is the machine on an interface that has not ended.
func (c *center) at(card string) *instance {
	for _, m := range inOrder(c.machines) {
		if m.card == card && m.state != pool.MachineTerminated {
			return m
		}
	}
	return nil
}

// write has a tenant write to a gateway: what is acknowledged lies on its cache.
func (c *center) write(gatewayID, what string) bool {
	g := c.gateways[gatewayID]
	m := c.at(g.card)
	if m == nil || c.serves(m) != g {
		return false
	}
	cache := c.cacheOf(m)
	cache.dirty = append(cache.dirty, what)
	g.promised = append(g.promised, what)
	return true
}

// upload has a gateway upload what lies on its cache.
func (c *center) upload(gatewayID string) {
	g := c.gateways[gatewayID]
	if m := c.at(g.card); m != nil && c.serves(m) == g && !m.cut {
		cache := c.cacheOf(m)
		for _, w := range cache.dirty {
			g.uploaded[w] = true
		}
		cache.dirty = nil
	}
}

// unreadable are the acknowledged writes that a tenant can't read just now.
func (c *center) unreadable(gatewayID string) []string {
	c.tick()
	g := c.gateways[gatewayID]
	m := c.at(g.card)
	if m == nil || c.serves(m) != g {
		return []string{"all: it does not serve"}
	}
	return slices.DeleteFunc(slices.Clone(g.promised), func(w string) bool { return g.uploaded[w] || slices.Contains(c.cacheOf(m).dirty, w) })
}

// note keeps what can be seen now.
func (c *center) note() {
	n := moment{at: c.now(), machines: map[string]pool.MachineLook{}, places: map[string]pool.Attachment{}}
	for id := range c.volumes {
		n.places[id] = pool.Attachment{}
	}
	for id, m := range c.machines {
		if m.state == pool.MachineTerminated && c.now().Sub(m.ended) > time.Hour {
			continue
		}
		look := pool.MachineLook{State: m.state, Checks: pool.CheckUnknown, Type: m.kind, Image: m.image, Interface: m.card}
		if m.state == pool.MachineRunning {
			if look.Checks = pool.CheckOK; m.impaired {
				look.Checks = pool.CheckImpaired
			}
		}
		for device, d := range m.disks {
			look.Disks = append(look.Disks, pool.MachineDisk{Volume: d.volume, Device: device, Root: device == rootDevice, Dies: d.dies})
			if _, there := n.places[d.volume]; there {
				n.places[d.volume] = pool.Attachment{Machine: id, Done: !d.going && !d.due.After(c.now())}
			}
		}
		slices.SortFunc(look.Disks, func(a, b pool.MachineDisk) int { return cmp.Compare(a.Device, b.Device) })
		n.machines[id] = look
	}
	for len(c.past) > 1 && !c.past[1].at.After(c.now().Add(-c.late)) {
		c.past = c.past[1:] // nobody is told of it any more
	}
	c.past = append(c.past, n)
}

// told is what is told now: what was so a little before.
func (c *center) told() moment {
	c.tick()
	until := c.now().Add(-c.late)
	for _, n := range slices.Backward(c.past) {
		if !n.at.After(until) {
			return n
		}
	}
	return c.past[0]
}

func inOrder[T any](all map[string]T) []T {
	var out []T
	for _, key := range slices.Sorted(maps.Keys(all)) {
		out = append(out, all[key])
	}
	return out
}
