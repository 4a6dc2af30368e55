package hostrepair

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"headroom/internal/ledger"
	"headroom/internal/pool"
)

// role is what a gateway reaches a bucket by.
type role struct {
	bucket, side string
	denied       bool // everything
}

// gatewayOfShare is the gateway that a share is of, whatever its caller says: a share's ARN does not name one.
func (c *center) gatewayOfShare(ref pool.ShareRef) string {
	if s := c.shares[ref.ID]; s != nil {
		return s.spec.Gateway
	}
	return ref.Gateway
}

// madeShare is a share as Storage Gateway has it.
type madeShare struct {
	spec  pool.ShareSpec
	ready time.Time
}

const (
	shareTime  = 7 * time.Second  // that a share takes to be available
	rebootTime = 30 * time.Second // that an appliance may take to start anew once it is activated
)

// furnish gives a stack what its present side has, and a gateway the shares over it.
func (c *center) furnish(s *stack, h *pool.Host, g *gateway) {
	side := s.parameters["Side"]
	s.outputs["CacheVolumeId"] = h.Access.Cache
	for i := range h.Slots {
		slot := &h.Slots[i]
		slot.Role = c.addRole(s, slot.Bucket, side, slot.Index)
		s.outputs[fmt.Sprintf("Bucket%02d", slot.Index)] = slot.Bucket
		c.shares[slot.Share] = &madeShare{spec: pool.ShareSpec{Gateway: h.Access.Gateway, Bucket: slot.Bucket, Role: slot.Role, Name: slot.Name}}
	}
	g.tags = map[string]string{"headroom:order": h.Mark}
	g.name = h.Stack.Name
}

func (c *center) addRole(s *stack, bucket, side string, index int) string {
	arn := c.name("arn:role")
	c.roles[arn] = &role{bucket: bucket, side: side}
	s.roles = append(s.roles, arn)
	s.outputs[pool.SideOutput(fmt.Sprintf("Role%02d", index), side)] = arn
	return arn
}

// fence has the roles of a stack's side deny everything, or not.
func (c *center) fence(s *stack, side string, denied bool) {
	for _, arn := range s.roles {
		if r := c.roles[arn]; r != nil && r.side == side {
			r.denied = denied
		}
	}
}

// refit gives a stack the roles and the cache disk of its other side.
func (c *center) refit(s *stack, side string) {
	for index := 1; s.outputs[fmt.Sprintf("Bucket%02d", index)] != ""; index++ {
		c.addRole(s, s.outputs[fmt.Sprintf("Bucket%02d", index)], side, index)
		delete(s.outputs, pool.SideOutput(fmt.Sprintf("Role%02d", index), pool.OtherSide(side)))
	}
	cache := c.name("vol")
	c.volumes[cache] = &volume{tags: maps.Clone(s.tags), cache: true}
	s.outputs[pool.SideOutput("CacheVolumeId", side)] = cache
	delete(s.outputs, pool.SideOutput("CacheVolumeId", pool.OtherSide(side)))
}

// leaveSide deletes the roles of the side that a stack is not on any more, or fails to: then they deny everything still.
func (c *center) leaveSide(s *stack, side string) {
	for _, arn := range s.roles {
		if r := c.roles[arn]; r != nil && r.side == side && !c.stubborn {
			delete(c.roles, arn)
		}
	}
}

// writers notes buckets that two gateways may write, whether or not they run: each that has a share over it by a role which
// may do so.
func (c *center) writers() {
	by := map[string][]string{}
	for _, id := range slices.Sorted(maps.Keys(c.shares)) {
		spec := c.shares[id].spec
		r := c.roles[spec.Role]
		if r == nil || r.denied || r.bucket != spec.Bucket {
			continue
		}
		if g := spec.Gateway; !slices.Contains(by[spec.Bucket], g) {
			by[spec.Bucket] = append(by[spec.Bucket], g)
		}
	}
	for bucket, gateways := range by {
		if len(gateways) > 1 {
			c.fault("bucket %s may be written by %s", bucket, strings.Join(gateways, " and "))
		}
	}
}

// fresh is the machine at an address whose appliance is no gateway yet; nil: there is none.
func (c *center) fresh(address string) *instance {
	c.tick()
	m := c.at(address)
	if m == nil || m.state != pool.MachineRunning || m.up.After(c.now()) || m.hangs != "" || c.volumes[m.disks[rootDevice].volume].serves != "" {
		return nil
	}
	return m
}

func (c *center) key(address string) (string, error) {
	if m := c.fresh(address); m != nil {
		return "key-" + m.id + "-" + address, nil
	}
	return "", fmt.Errorf("ask %s for its key: %w", address, pool.ErrBooting)
}

func (c *center) activate(key, name string, tags map[string]string) (string, error) {
	c.acts()
	address := key[strings.LastIndex(key, "-")+1:]
	m := c.fresh(address)
	if m == nil || "key-"+m.id+"-"+address != key {
		return "", fmt.Errorf("activate %s: %w", name, pool.ErrKey)
	}
	c.activated++
	id := fmt.Sprintf("sgw-9999%04X", c.activated)
	c.volumes[m.disks[rootDevice].volume].serves = id
	m.up = c.now().Add(rebootTime)
	if c.weak {
		m.hangs = "nothing"
	}
	arn := "arn:aws:storagegateway:eu-central-1:123456789012:gateway/" + id
	c.gateways[id] = &gateway{
		id: id, arn: arn, card: address, uploaded: map[string]bool{}, unavailable: map[string]bool{}, tags: maps.Clone(tags), name: name, seen: c.now().Add(-time.Hour),
		listed: c.now().Add(c.late),
	}
	return arn, nil
}

// marked finds a gateway by its name and tags, which are listed a little late.
func (c *center) marked(name string, tags map[string]string) (string, error) {
	c.tick()
	for _, g := range inOrder(c.gateways) {
		all := g.name == name && !g.listed.After(c.now())
		for key, value := range tags {
			all = all && g.tags[key] == value
		}
		if all {
			return g.arn, nil
		}
	}
	return "", fmt.Errorf("find gateway %s: %w", name, pool.ErrNotFound)
}

// awake is the machine whose appliance is a gateway, with or without a cache; nil: it is not to be reached.
func (c *center) awake(g *gateway) *instance {
	m := c.at(g.card)
	if m == nil || m.state != pool.MachineRunning || m.up.After(c.now()) || m.hangs != "" || m.disks[rootDevice] == nil {
		return nil
	}
	if root := c.volumes[m.disks[rootDevice].volume]; root == nil || root.serves != g.id {
		return nil
	}
	return m
}

func (c *center) gatewayOf(arn string) (*gateway, *instance, error) {
	c.acts()
	g := c.gateways[pool.Access{Gateway: arn}.GatewayID()]
	if g == nil {
		return nil, nil, fmt.Errorf("gateway %q: %w", arn, pool.ErrUnreachable)
	}
	m := c.awake(g)
	if m == nil {
		return nil, nil, fmt.Errorf("gateway %s: %w", g.id, pool.ErrUnreachable)
	}
	return g, m, nil
}

func (c *center) addCache(arn string) error {
	g, m, err := c.gatewayOf(arn)
	if err != nil {
		return err
	}
	cache := c.cacheOf(m)
	switch {
	case cache == nil:
		return fmt.Errorf("add the cache of %s: %w", g.id, pool.ErrNoDisk)
	case cache.serves != "" && cache.serves != g.id:
		c.fault("the cache of gateway %s is given to %s", cache.serves, g.id)
	}
	cache.serves = g.id
	return nil
}

func (c *center) createShare(spec pool.ShareSpec) (string, error) {
	g, m, err := c.gatewayOf(spec.Gateway)
	if err != nil {
		return "", err
	}
	if c.serves(m) != g {
		return "", errors.New("the gateway has no cache")
	}
	if len(spec.Token) < 5 || len(spec.Token) > 100 {
		return "", fmt.Errorf("token %q", spec.Token)
	}
	for id, s := range c.shares {
		switch {
		case s.spec.Token == spec.Token && s.spec.Gateway == spec.Gateway:
			return id, nil
		case s.spec.Gateway == spec.Gateway && s.spec.Name == spec.Name:
			return "", fmt.Errorf("a share of the name %s is there", spec.Name)
		}
	}
	r := c.roles[spec.Role]
	if r == nil || r.denied || r.bucket != spec.Bucket {
		c.fault("a share over %s is made by role %q", spec.Bucket, spec.Role)
	}
	c.made++
	id := fmt.Sprintf("share-%08d", c.made)
	c.shares[id] = &madeShare{spec: spec, ready: c.now().Add(shareTime)}
	g.shares = append(g.shares, id)
	for _, other := range c.gateways { // what is in the bucket is there to be read
		for _, old := range other.shares {
			if s := c.shares[old]; other != g && s != nil && s.spec.Bucket == spec.Bucket {
				for w := range other.uploaded {
					if !g.uploaded[w] {
						g.uploaded[w] = true
						g.promised = append(g.promised, w)
					}
				}
			}
		}
	}
	return id, nil
}

func (o outside) Key(_ context.Context, address string) (string, error) {
	return ask(o, "Key", func() (string, error) { return o.w.center.key(address) })
}

func (o outside) Activate(_ context.Context, key, name string, tags map[string]string) (string, error) {
	return ask(o, "Activate", func() (string, error) { return o.w.center.activate(key, name, tags) })
}

func (o outside) FindMarked(_ context.Context, name string, tags map[string]string) (string, error) {
	return ask(o, "FindMarked", func() (string, error) { return o.w.center.marked(name, tags) })
}

func (o outside) AddCache(_ context.Context, arn string) error {
	return o.call("AddCache", func() error { return o.w.center.addCache(arn) })
}

func (o outside) CreateShare(_ context.Context, spec pool.ShareSpec) (string, error) {
	return ask(o, "CreateShare", func() (string, error) { return o.w.center.createShare(spec) })
}

// Set opens a share to a tenant: that of the host's present gateway only, and only to whom the tenant's record says.
func (o outside) Set(_ context.Context, t pool.Tenant, ref pool.ShareRef, group string) error {
	return o.call("Set", func() error {
		d := o.w.doors
		if err := o.w.center.running(ref.Gateway); err != nil {
			return err
		}
		h, s := o.w.slotOf(ref.ID)
		if s.Tenant != t.ID || s.State != pool.SlotAssigned || h.Access.Gateway != ref.Gateway || h.Access.SecurityGroup != group {
			o.w.center.fault("share %s, %s of tenant %q of gateway %s, is opened to tenant %s", ref.ID, s.State, s.Tenant, h.Access.Gateway, t.ID)
		}
		o.w.list(ref.ID)
		if _, changing := d.due[ref.ID]; changing {
			return errUpdating
		}
		d.coming[ref.ID], d.due[ref.ID] = t.Clients(), o.w.now.Add(listTime)
		return nil
	})
}

// reopened fails unless a host's shares serve their tenants, and each of the others nobody.
func (w *world) reopened(id pool.HostID) {
	w.t.Helper()
	h := w.host(id)
	for _, s := range h.Slots {
		want := []string{nobody}
		if s.State == pool.SlotAssigned {
			t, err := w.ledger.Tenant(context.Background(), s.Tenant)
			w.must(err)
			want = t.Clients()
		}
		if list := w.list(s.Share); !slices.Equal(list, want) {
			w.t.Fatalf("share %s of slot %d serves %v, and not %v", s.Share, s.Index, list, want)
		}
		made := w.center.shares[s.Share]
		if made == nil || made.spec.Gateway != h.Access.Gateway || made.spec.Bucket != s.Bucket || made.spec.Role != s.Role || made.spec.Name != s.Name {
			w.t.Fatalf("slot %+v has share %+v", s, made)
		}
	}
}

// tenant makes the record of a tenant that has a share.
func (w *world) tenant(h pool.Host, s pool.Slot) {
	w.t.Helper()
	ctx := context.Background()
	t := pool.Tenant{
		ID: s.Tenant, Tier: tier, Mark: "mark", Addresses: []string{fmt.Sprint("10.1.0.", len(w.ids)+1)}, State: pool.TenantRequested, RequestedAt: w.now,
		Progress: pool.Progress{Step: pool.StepOpen, Due: w.now.Add(time.Hour)},
	}
	stored, _, err := w.ledger.Request(ctx, t)
	w.must(err)
	after, err := pool.MoveTenant(stored, pool.TenantReady, w.now, "ready")
	w.must(err)
	after.Share = pool.Holding{Host: h.ID, Index: s.Index, Generation: s.Generation, Name: s.Name}
	after.Database = pool.Holding{Host: "database-standard-1", Index: s.Index, Generation: 1, Name: s.Name}
	_, err = w.ledger.SaveTenant(ctx, stored, after)
	w.must(err)
}

// leaves has the tenant of a host's first slot leave, of whose share a report names files that fail to upload.
func (w *world) leaves(h pool.Host, failing pool.Failing) {
	w.t.Helper()
	ctx := context.Background()
	before := tenantOf(w, h)
	left, d, err := pool.Leave(before, pool.Departure{Reason: "it ends", RequestedBy: "billing", RequestedAt: w.now}, pool.Terms{}, w.now)
	w.must(err)
	w.must(w.ledger.Depart(ctx, before, left, d))
	d, err = w.ledger.Departure(ctx, d.ID())
	w.must(err)
	after := d.Clone()
	after.Failing, after.Step = failing, pool.StepUpload
	_, err = w.ledger.SaveDeparture(ctx, d, after)
	w.must(err)
	_, _, err = ledger.UpdateHost(ctx, w.ledger, h.ID, w.now, func(h pool.Host) (pool.Host, pool.Outcome, error) {
		h.Slots[0].State = pool.SlotLeaving
		return h, pool.Neutral, nil
	})
	w.must(err)
}
