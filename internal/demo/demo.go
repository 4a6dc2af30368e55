// Package demo shows the whole system at work in the local cloud: pools fill, tenants sign up, and
// each one's storage is proven to be its own.
package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Cloud is what an onlooker needs of the local cloud.
type Cloud interface {
	// AWS is the account owner's client configuration, its endpoint the local cloud's.
	AWS() aws.Config
	// Output returns an output of the control plane's stack.
	Output(name string) (string, error)
	// Subscribe hands every event of a bus to f, with when it was sent by the cloud's clock, until the cloud is closed.
	Subscribe(bus string, f func(detailType string, detail json.RawMessage, at time.Time))
	// SubscribeLogs hands every line of the functions' logs to f, until the cloud is closed.
	SubscribeLogs(f func(line string))
	// Operations hands lines to say of what operators would hear of, until the cloud is closed.
	Operations(say func(line string))
	// News hands over all that happens, until the cloud is closed.
	News(tell func(News))
	// Strain has a database instance measure its processor as busy all the time, or not any more.
	Strain(instance string, on bool) error
	// Resolve looks a name up in the private zone.
	Resolve(name string) (netip.Addr, error)
	// DatabaseCA is the certificate authority of the database hosts, in PEM.
	DatabaseCA() []byte
}

// Options of a run.
type Options struct {
	Tier     string
	Signups  int
	Patience time.Duration // how long to wait for hosts, and then for the tenants' storage
}

// Run signs tenants up, waits until all are served, prints what they got, proves that it is theirs alone,
// and returns them. The error says what did not hold; it is ErrUnknownTier before anything was done.
func Run(ctx context.Context, cloud Cloud, o Options, p *Printer) ([]Tenant, error) {
	if err := checkTier(ctx, cloud, o.Tier); err != nil {
		return nil, err
	}
	crowd, err := NewCrowd(cloud, o.Tier)
	if err != nil {
		return nil, err
	}
	p.Heading("the schedule runs the pool check, which orders the first hosts; they are built and made ready")
	progress := func() { crowd.Tell(p) }
	if err := crowd.Await(ctx, "a database host and a share host are in service", o.Patience, crowd.InService, progress); err != nil {
		return nil, err
	}

	p.Heading(signUps(o.Signups))
	for i := range o.Signups {
		if err := crowd.SignUp(ctx, Name(i), Instance(i)); err != nil {
			return nil, err
		}
		// Customers come one by one, not in one blow, and no faster than they are answered, however slow the machine is:
		// time enough for the pool check to see it coming.
		select {
		case <-time.After(150 * time.Millisecond):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		answered := func() bool { return crowd.answered() > i-unanswered }
		if err := crowd.Await(ctx, "customers hear of their signups", o.Patience, answered, progress); err != nil {
			return nil, err
		}
	}
	all := func() bool { return crowd.Served() >= o.Signups }
	if err := crowd.Await(ctx, "every tenant has its storage", o.Patience, all, progress); err != nil {
		return nil, err
	}
	tenants, err := crowd.Tenants(ctx)
	if err != nil {
		return nil, err
	}
	p.table(tenants)

	p.Heading("each tenant's storage is its own")
	proofs, err := Prove(ctx, cloud, tenants)
	if err != nil {
		return nil, err
	}
	if proof, tried := crowd.aheadOfNeed(); tried {
		proofs = append(proofs, proof)
	}
	return tenants, p.verdict(proofs)
}

// unanswered is how many customers may wait for an answer when the next one comes.
const unanswered = 1

func signUps(n int) string {
	if n == 1 {
		return "1 customer signs up, by one message on the signup queue"
	}
	return fmt.Sprintf("%d customers sign up, each by one message on the signup queue", n)
}

// names of customers, for people to tell them apart.
var names = []string{"acme", "birch", "cobalt", "delta", "ember", "fjord", "grove", "harbor", "indigo", "juniper", "kestrel", "lumen"}

// Name is the i-th customer's, from 0.
func Name(i int) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("%s-%d", names[i%len(names)], i/len(names)+1)
}

// MostSignups is how many customers have an address of their own.
const MostSignups = 256 * 200

// Instance is the address of the i-th customer's application server, up to MostSignups: a loopback
// address of its own.
func Instance(i int) string { return fmt.Sprintf("127.20.%d.%d", i/200, i%200+1) }
