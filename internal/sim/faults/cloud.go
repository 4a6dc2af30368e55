package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"headroom/events"
	s3tags "headroom/internal/adapter/buckets"
	"headroom/internal/adapter/buckets/bucketstest"
	ec2 "headroom/internal/adapter/firewall"
	"headroom/internal/adapter/firewall/firewalltest"
	"headroom/internal/adapter/gateway"
	"headroom/internal/adapter/gateway/gatewaytest"
	"headroom/internal/adapter/instances"
	"headroom/internal/adapter/instances/instancestest"
	ec2machines "headroom/internal/adapter/machines"
	"headroom/internal/adapter/machines/machinestest"
	s3 "headroom/internal/adapter/objects"
	"headroom/internal/adapter/objects/objectstest"
	"headroom/internal/adapter/secrets"
	"headroom/internal/adapter/secrets/secretstest"
	ecs "headroom/internal/adapter/tasks"
	"headroom/internal/adapter/tasks/taskstest"
	"headroom/internal/pool"
)

var zones = []pool.Zone{{Name: "eu-west-1a", Subnet: "subnet-a"}, {Name: "eu-west-1b", Subnet: "subnet-b"}}

// cloud is what the functions reach besides the table, the queues and people: the adapters around their fakes, and what
// becomes of hosts. Its own methods are those of services that have nothing to remember.
type cloud struct {
	w          *world
	stacks     *formation
	shares     gateways
	firewall   firewall
	machines   machines
	appliances *appliances
	buckets    buckets
	databases  *databases
	vault      vault

	gateways *gatewaytest.Service
	groups   *firewalltest.Groups
	ec2      *machinestest.Cloud
	secrets  *secretstest.Fake
	tags     *bucketstest.S3
	s3       *objectstest.S3
	store    *s3.Objects // for who is no process
	objects  objects
	rds      *instancestest.RDS
	restored temporary
	disposal disposal
	empties  empties
	cluster  *taskstest.ECS
	tasks    tasks
	archived map[pool.ObjectRef]archived
	stirred  time.Time // when ECS or a gateway did something last
	ticking  bool
	alarms   map[string]pool.AlarmMark
	last     string               // host that was reached last, by its stack's name
	down     map[string]ailment   // hosts that answer nobody, by their stacks' names
	dark     map[string]time.Time // zones that fail, until then
	seats    map[string]seat      // by the gateway's ARN
	roles    map[string]*reach    // by ARN
	given    int                  // roles
	wrecks   map[string]string    // machines that never serve again, by their stacks' names
	off      map[string]bool      // those whose machines are stopped
}

func newCloud(w *world, shape *rand.Rand) *cloud {
	late := shape.IntN(4)
	c := &cloud{
		w: w, gateways: &gatewaytest.Service{Late: late, Settles: 20 * time.Second, Keys: map[string]bool{}, Now: func() time.Time { return w.now }}, groups: firewalltest.New(),
		ec2: &machinestest.Cloud{Late: late, Stale: shape.IntN(2) == 0}, secrets: &secretstest.Fake{Lag: shape.IntN(3), Now: func() time.Time { return w.now }},
		tags: &bucketstest.S3{}, alarms: map[string]pool.AlarmMark{}, down: map[string]ailment{}, off: map[string]bool{}, seats: map[string]seat{}, roles: map[string]*reach{}, wrecks: map[string]string{}, dark: map[string]time.Time{},
	}
	c.stacks = newFormation(c)
	c.shares = gateways{w, &gateway.Gateways{Client: c.gateways, Region: region}}
	c.firewall = firewall{w, &ec2.Groups{Client: c.groups}}
	c.machines = machines{w, &ec2machines.Machines{Client: c.ec2}}
	c.appliances = &appliances{c: c, boots: map[string]int{}, keys: map[string]string{}, whose: map[string]string{}, late: late}
	c.buckets = buckets{w, &s3tags.Buckets{Client: c.tags}}
	c.databases = &databases{c: c, servers: map[string]*server{}, restored: map[string]*server{}}
	c.vault = vault{w, secrets.New(secrets.Config{
		Client: c.secrets, Stage: stage, Prefix: "headroom/sim/tenant/", CopierPrefix: "headroom/sim/copier/", KeyID: "key", Random: random{stream(w.Seed, "passwords")},
		Sleep: func(context.Context, time.Duration) error { return nil }, Jitter: func() float64 { return 0.5 },
	})}
	c.s3, c.archived = &objectstest.S3{Now: func() time.Time { return w.now }}, map[pool.ObjectRef]archived{}
	c.s3.Add(archives, true)
	c.s3.Add(reports, false)
	store, err := s3.New(s3.Config{Client: c.s3, Jitter: func() float64 { return 0.5 }, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }})
	if err != nil {
		panic(err) // a configuration that is not whole
	}
	c.store, c.objects = store, objects{w, store}
	c.rds = &instancestest.RDS{Late: shape.IntN(4)}
	next, err := instances.NewRestored(instances.RestoredConfig{Client: c.rds, Stage: stage, Group: "sg-restored", Key: "key"})
	if err != nil {
		panic(err)
	}
	c.restored = temporary{w, next}
	c.disposal, c.empties = disposal{w, &instances.Disposal{Client: c.rds}}, empties{w, &s3tags.Disposal{Client: c.tags}}
	c.gateways.Doubled = shape.IntN(2) == 0
	c.gateways.Put = func(bucket, key string, content []byte) error {
		_, err := store.Put(context.Background(), pool.ObjectSpec{Bucket: bucket, Key: key, KMSKey: archiveKey, ContentType: "text/csv"}, content)
		return err
	}
	c.cluster = &taskstest.ECS{Now: func() time.Time { return w.now }, Late: shape.IntN(3), Untidy: shape.IntN(2) == 0, Program: c.program}
	c.tasks = tasks{w, &ecs.Runner{API: c.cluster, Cluster: taskstest.Cluster, Definition: taskstest.Family, Container: taskstest.Container, Subnets: []string{"subnet-0a1b2c3d"}, Groups: []string{"sg-0a1b2c3d"}}}
	return c
}

// random is a source of bytes.
type random struct{ draw *rand.Rand }

func (r random) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(r.draw.Uint32())
	}
	return len(p), nil
}

// answered makes a call that gives something. What a failed call gives is nothing.
func answered[T any](w *world, operation string, do func() (T, error)) (T, error) {
	var given T
	err := w.call(operation, func() (err error) {
		given, err = do()
		return err
	})
	if err != nil {
		var nothing T
		return nothing, err
	}
	return given, nil
}

// changes makes a call that changes something.
func (w *world) changed(operation string, do func() error) error {
	return w.call(operation, func() error {
		w.wrote = true
		return do()
	})
}

// Newest names the newest image of gateways.
func (c *cloud) Newest(context.Context) (string, error) {
	return answered(c.w, "Newest", func() (string, error) { return "ami-00000000000000001", nil })
}

// Image says how old an image is: there is one.
func (c *cloud) Image(_ context.Context, id string) (pool.Image, error) {
	return answered(c.w, "Image", func() (pool.Image, error) { return pool.Image{ID: id, Made: time.Unix(0, 0)}, nil })
}

// States says how alarms are.
func (c *cloud) States(_ context.Context, names []string) (map[string]pool.AlarmLook, error) {
	return answered(c.w, "States", func() (map[string]pool.AlarmLook, error) {
		states := map[string]pool.AlarmLook{}
		for _, name := range names {
			if mark, there := c.alarms[name]; there {
				states[name] = pool.AlarmLook{On: mark.On, OK: !mark.On, At: mark.At}
			}
		}
		return states, nil
	})
}

// Ringing says which alarms ring.
func (c *cloud) Ringing(_ context.Context, prefix string) (map[string]pool.AlarmLook, error) {
	return answered(c.w, "Ringing", func() (map[string]pool.AlarmLook, error) {
		states := map[string]pool.AlarmLook{}
		for name, mark := range c.alarms {
			if strings.HasPrefix(name, prefix) && mark.On {
				states[name] = pool.AlarmLook{On: true, At: mark.At}
			}
		}
		return states, nil
	})
}

// Statuses says what RDS says of instances.
func (c *cloud) Statuses(context.Context, string) (map[string]string, error) {
	return answered(c.w, "Statuses", func() (map[string]string, error) {
		all := map[string]string{}
		for _, s := range c.databases.servers {
			all[s.name] = c.status(s.name)
		}
		return all, nil
	})
}

// Status says what RDS says of an instance.
func (c *cloud) Status(_ context.Context, name string) (string, error) {
	return answered(c.w, "Status", func() (string, error) {
		if _, there := c.databases.servers[addressOf(name)]; !there {
			return "", fmt.Errorf("look at instance %s: %w", name, pool.ErrNotFound)
		}
		return c.status(name), nil
	})
}

func (c *cloud) status(name string) string {
	if c.isDown(name) {
		return "failed"
	}
	return "available"
}

// Null asks whether an NFS server answers.
func (c *cloud) Null(_ context.Context, at string) error {
	return c.w.call("Null", func() error {
		if h := c.stacks.answersAt(at); h == nil || c.isDown(h.name) {
			return fmt.Errorf("ask the NFS server at %s: i/o timeout", at)
		}
		return nil
	})
}

// ring has the alarm of a host change its state, and tell so.
func (c *cloud) ring(h *host, on bool) { c.sound(h, h.name+"-status", on) }

// sound is ring for the alarm of a name.
func (c *cloud) sound(h *host, name string, on bool) {
	c.alarms[name] = pool.AlarmMark{On: on, At: c.w.now}
	value, q := events.AlarmOK, c.w.alarms
	if on {
		value = events.AlarmALARM
	}
	detail := events.AlarmStateChange{AlarmName: name, State: events.AlarmState{Value: value, Timestamp: events.At(c.w.now)}}
	if h.kind == pool.Database {
		q = c.w.rdsAlarms
		detail.Configuration.Metrics = []events.AlarmMetric{{MetricStat: &events.MetricStat{Metric: events.Metric{
			Namespace: "AWS/RDS", Name: "CPUUtilization", Dimensions: map[string]string{"DBInstanceIdentifier": h.name},
		}}}}
	}
	c.w.trace("alarm %s is %s", name, value)
	c.w.send(q, events.Envelope[events.AlarmStateChange]{
		Version: "0", DetailType: events.TypeAlarmStateChange, Source: "aws.cloudwatch", Detail: detail,
	})
}

// calm has all hosts be well.
func (c *cloud) calm() {
	clear(c.down)
	clear(c.dark)
	for _, h := range c.stacks.sorted() {
		if machine := c.wrecks[h.name]; machine != "" && c.rootOf(machine) != "" { // nothing helped it
			delete(c.wrecks, h.name)
			for arn, s := range c.seats {
				c.gateways.Away(arn, s.machine != machine && c.stacks.live[s.host] == h)
			}
		}
		if c.isWreck(h) {
			continue
		}
		for _, alarm := range []string{h.name + "-status", silenceOf(h)} {
			if c.alarms[alarm].On {
				c.sound(h, alarm, false)
			}
		}
	}
}
