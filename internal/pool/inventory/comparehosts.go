package inventory

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"headroom/internal/pool"
)

// How long before something ends it is told.
const (
	certificateSoon = 90 * 24 * time.Hour
	certificateNow  = 30 * 24 * time.Hour
)

// atRest are the statuses of a stack that is whole, and that nothing is done to.
var atRest = []string{"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"}

func (c *comparison) stacks() {
	standing := map[pool.HostID]Stack{}
	for _, s := range c.Stacks {
		if !strings.HasPrefix(s.Name, c.prefix()) {
			continue
		}
		look := "aws cloudformation describe-stack-resources --stack-name " + s.Name
		if strings.HasPrefix(s.Status, "DELETE_") && s.Status != "DELETE_FAILED" {
			continue
		}
		if h, known := c.stranger(Stacks, s.Name, s.Name, look, s.Marks); known {
			standing[h.ID] = s
		}
	}
	if c.blind(Stacks) {
		return
	}
	for _, h := range c.hosts("") {
		s, there := standing[h.ID]
		if !there {
			c.found.add(Missing, Page, Stacks, h.Stack.Name, hostShow(h.ID), "host %s is %s, and its stack %s is not there", h.ID, h.State, h.Stack.Name)
			continue
		}
		c.stack(h, s)
	}
}

// stack holds a host's stack against its record.
func (c *comparison) stack(h pool.Host, s Stack) {
	if strings.HasSuffix(s.Status, "_IN_PROGRESS") {
		return // what it is about to be is not known
	}
	drift := func(format string, args ...any) {
		c.found.add(Drifted, Ticket, Stacks, s.Name, hostShow(h.ID), "stack of host "+string(h.ID)+": "+format, args...)
	}
	if !slices.Contains(atRest, s.Status) {
		drift("it is in status %s", s.Status)
	}
	same := func(what, has, want string) {
		if has != want {
			drift("%s is %q, and by the ledger %q", what, has, want)
		}
	}
	if h.Kind == pool.Database {
		same("its address", s.Outputs["Address"], h.Access.Address)
		same("its master secret", s.Outputs["MasterSecretArn"], h.Access.MasterSecret)
		return
	}
	if s.Parameters["HasMachine"] != "true" {
		drift("it has no machine, as while one is replaced, and no repair is under way")
	} else {
		same("its machine", s.Outputs["MachineId"], h.Access.Machine)
	}
	if s.Parameters["Fence"] == "on" {
		drift("its shares' roles deny everything, as before a gateway is given up, and no repair is under way")
	}
	same("its gateway", s.Parameters["GatewayId"], h.Access.GatewayID())
	same("its cache disk", s.Sided("CacheVolumeId"), h.Access.Cache)
	same("its security group", s.Outputs["SecurityGroupId"], h.Access.SecurityGroup)
	same("its address", s.Outputs["DnsName"], h.Access.Address)
	for _, slot := range h.Slots {
		if slot.State != pool.SlotRetired {
			same(fmt.Sprintf("the bucket of slot %d", slot.Index), s.Outputs[fmt.Sprintf("Bucket%02d", slot.Index)], slot.Bucket)
			same(fmt.Sprintf("the role of slot %d", slot.Index), s.Sided(fmt.Sprintf("Role%02d", slot.Index)), slot.Role)
		}
	}
}

func (c *comparison) instances() {
	byHost := map[pool.HostID]Instance{}
	for _, i := range c.Instances {
		look := "aws rds describe-db-instances --db-instance-identifier " + i.Name
		switch {
		case i.Restoration != "" && i.Marks.Stage == c.Stage:
			c.temporary(i, look)
			continue
		case !strings.HasPrefix(i.Name, c.prefix()) && i.Marks.Stage != c.Stage, i.Status == "deleting":
			continue
		}
		h, known := c.stranger(Instances, i.Name, i.Name, look, i.Marks)
		if known && i.Name == c.prefix()+string(h.ID) {
			byHost[h.ID] = i
		} else if known {
			c.found.add(Orphaned, Ticket, Instances, i.Name, look, "database instance %s bears the marks of host %s, and has not its name: a repair may have put it aside", i.Name, h.ID)
		}
	}
	if c.blind(Instances) {
		return
	}
	for _, h := range c.hosts(pool.Database) {
		i, there := byHost[h.ID]
		if !there {
			c.found.add(Missing, Page, Instances, c.prefix()+string(h.ID), hostShow(h.ID), "the database instance of host %s is not there: its tenants can't reach their databases", h.ID)
			continue
		}
		c.instance(h, i)
	}
}

// temporary finds an instance that a restoration made and left. The restoration's own round deletes such.
func (c *comparison) temporary(i Instance, look string) {
	tenant, number, ok := pool.RestorationID(i.Restoration).Parse()
	r, known := c.Restorations[tenant]
	if ok && known && r.Number == number && r.Instance == i.Name && !r.State.Ended() || c.At.Sub(i.Made) < 2*time.Hour {
		return // its round looks for what is left every hour
	}
	c.found.add(Orphaned, Ticket, Instances, i.Name, look, "temporary instance %s of restoration %q is left: it holds all databases of its host as they were", i.Name, i.Restoration)
}

// instance holds a host's instance against what it should be.
func (c *comparison) instance(h pool.Host, i Instance) {
	look := "aws rds describe-db-instances --db-instance-identifier " + i.Name
	drift := func(s Severity, bad bool, format string, args ...any) {
		if bad {
			c.found.add(Drifted, s, Instances, i.Name, look, "database instance of host "+string(h.ID)+": "+format, args...)
		}
	}
	drift(Page, i.Public, "it can be reached from the internet")
	drift(Ticket, !i.Encrypted, "it is not encrypted")
	drift(Ticket, i.BackupDays == 0, "it is not backed up")
	drift(Ticket, c.Protected && !i.Protected, "it is not protected from deletion")
	if !c.blind(Groups) {
		for _, id := range i.Groups {
			ours := slices.ContainsFunc(c.Groups, func(g Group) bool {
				return g.ID == id && g.Marks.Host == string(h.ID) && g.Marks.Order == h.Mark
			})
			drift(Page, !ours, "it is in security group %s, which is not its host's", id)
		}
		drift(Ticket, len(i.Groups) == 0, "it is in no security group")
	}
	if left := i.Certificate.Sub(c.now); !i.Certificate.IsZero() && left < certificateSoon {
		severity := Ticket
		if left < certificateNow {
			severity = Page
		}
		c.found.add(Aging, severity, Instances, i.Name, "aws rds describe-certificates", "the server certificate of host %s is valid until %s: clients that verify it are refused then", h.ID, day(i.Certificate))
	}
}

// alarmNames are the ends of the names of the alarms that hosts of a kind have (infra holds them to its templates).
var alarmNames = map[pool.Kind][]string{
	pool.Database: {"burst", "connections", "cpu", "memory", "queue", "silence", "storage"},
	pool.Share:    {"availability", "dirty", "health", "iowait", "status", "uploads"},
}

// AlarmNames are the ends of the names of the alarms that hosts of a kind have, sorted.
func AlarmNames(kind pool.Kind) []string { return slices.Clone(alarmNames[kind]) }

func (c *comparison) alarms() {
	if c.blind(Alarms) {
		return
	}
	for _, h := range c.hosts("") {
		var gone []string
		for _, end := range alarmNames[h.Kind] {
			if name := c.prefix() + string(h.ID) + "-" + end; !slices.Contains(c.Alarms, name) {
				gone = append(gone, end)
			}
		}
		if len(gone) > 0 {
			c.found.add(Missing, Ticket, Alarms, c.prefix()+string(h.ID), hostShow(h.ID), "host %s lacks alarms, so what they tell of goes unheard: %s", h.ID, strings.Join(gone, ", "))
		}
	}
}
