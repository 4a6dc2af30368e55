package sim

import (
	"context"
	"fmt"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// outside is what the functions reach besides the ledger, the queues and CloudFormation: it is there, works, and takes no
// time.
type outside struct{ w *world }

// Load returns the policies in force.
func (o outside) Load(context.Context) (pool.Policies, error) {
	return o.w.Policy(o.w.line.now).Pools, nil
}

// Document returns the policy document in force.
func (o outside) Document(context.Context) (pool.Document, error) {
	return o.w.Policy(o.w.line.now), nil
}

// Tenant stores a tenant's credentials.
func (outside) Tenant(_ context.Context, id, mark string, fill func(string) events.Credentials) (events.Credentials, string, error) {
	return fill("password"), "arn:aws:secretsmanager:eu-central-1:123456789012:secret:headroom/sim/tenant/" + id + "/" + mark, nil
}

// Master reads a master user's password.
func (outside) Master(context.Context, string) (username, password string, err error) {
	return "master", "password", nil
}

// Open lets a tenant's role log in.
func (outside) Open(context.Context, pool.Login, string, string) error { return nil }

// Harden hardens a database instance.
func (outside) Harden(context.Context, pool.Login) error { return nil }

// MakeSlot makes a database.
func (outside) MakeSlot(context.Context, pool.Login, string, string, int) error { return nil }

// Close closes a database.
func (outside) Close(context.Context, pool.Login, string) error { return nil }

// Ping asks whether a database instance answers.
func (outside) Ping(context.Context, pool.Login) error { return nil }

// Null asks whether an NFS server answers.
func (outside) Null(context.Context, string) error { return nil }

// Set sets who may reach a share.
func (outside) Set(context.Context, pool.Tenant, pool.ShareRef, string) error { return nil }

// Served looks whether a share serves its clients.
func (outside) Served(context.Context, pool.ShareRef, []string) error { return nil }

// Shut closes a share.
func (outside) Shut(context.Context, pool.ShareRef, string) error { return nil }

// Admit lets a tenant's addresses into a gateway's group.
func (outside) Admit(context.Context, pool.Tenant, string) error { return nil }

// Evict puts addresses out of a gateway's group.
func (outside) Evict(context.Context, string, []string) error { return nil }

// Tag says on a share whose it is.
func (outside) Tag(context.Context, pool.ShareRef, map[string]string) error { return nil }

// Mark marks a bucket.
func (o outside) Mark(_ context.Context, bucket, mark string) error {
	o.w.marked[bucket] = mark
	return nil
}

// Attachment says where a disk is: at its machine.
func (outside) Attachment(_ context.Context, volume string) (pool.Attachment, error) {
	return pool.Attachment{Machine: "i-" + volume[len("vol-"):], Done: true}, nil
}

// Attach attaches a disk.
func (outside) Attach(context.Context, string, string, string) error { return nil }

// Key asks an appliance for its activation key.
func (outside) Key(context.Context, string) (string, error) { return "activation-key", nil }

// Find looks for a gateway.
func (outside) Find(_ context.Context, name, _ string) (string, error) {
	return "", fmt.Errorf("look for gateway %s: %w", name, pool.ErrNotFound)
}

// Activate activates a gateway.
func (outside) Activate(_ context.Context, _, name string, _ map[string]string) (string, error) {
	return "arn:aws:storagegateway:eu-central-1:123456789012:gateway/sgw-" + name, nil
}

// Running asks whether a gateway runs.
func (outside) Running(context.Context, string) error { return nil }

// AddCache gives a gateway its cache disk.
func (outside) AddCache(context.Context, string) error { return nil }

// CreateShare creates a share.
func (outside) CreateShare(_ context.Context, s pool.ShareSpec) (string, error) {
	return "share-" + s.Token, nil
}

// Shares says how shares are: available.
func (outside) Shares(_ context.Context, _ string, ids []string) (map[string]string, error) {
	status := map[string]string{}
	for _, id := range ids {
		status[id] = pool.ShareAvailable
	}
	return status, nil
}

// Newest names the newest image of gateways.
func (outside) Newest(context.Context) (string, error) { return "ami-00000000000000001", nil }

// States says how alarms are.
func (outside) States(context.Context, []string) (map[string]pool.AlarmLook, error) { return nil, nil }

// Ringing says which alarms ring.
func (outside) Ringing(context.Context, string) (map[string]pool.AlarmLook, error) { return nil, nil }

// Statuses says what RDS says of instances.
func (outside) Statuses(context.Context, string) (map[string]string, error) { return nil, nil }

// Status says what RDS says of an instance.
func (outside) Status(context.Context, string) (string, error) { return "available", nil }

// nothing is who sends what nobody takes here.
type nothing struct{}

// Send drops a message.
func (nothing) Send(context.Context, any, time.Duration) error { return nil }

// SendRaw drops a message.
func (nothing) SendRaw(context.Context, string, map[string]string) error { return nil }
