package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"headroom/internal/local"
	"headroom/internal/local/service/eventbridge"
	"headroom/internal/local/service/lambda"
)

// Deployment is Headroom deployed into a local cloud.
type Deployment struct {
	*local.Cloud
	outputs map[string]string // of the control plane's stack
}

// Deploy deploys a synthesized assembly.
func Deploy(ctx context.Context, cloud *local.Cloud, assembly string) (Deployment, error) {
	outputs, err := cloud.Deploy(ctx, assembly, nil)
	if err != nil {
		return Deployment{}, err
	}
	return Deployment{Cloud: cloud, outputs: outputs}, nil
}

// AWS is the account owner's client configuration.
func (d Deployment) AWS() aws.Config { return d.Config() }

// Output returns an output of the control plane's stack.
func (d Deployment) Output(name string) (string, error) {
	value, ok := d.outputs[name]
	if !ok {
		return "", fmt.Errorf("the stack has no output %s", name)
	}
	return value, nil
}

// Subscribe hands every event of a bus to f, with when it was sent by the cloud's clock.
func (d Deployment) Subscribe(bus string, f func(detailType string, detail json.RawMessage, at time.Time)) {
	d.Events.Subscribe(bus, func(e eventbridge.Event) { f(e.DetailType, e.Detail, e.Time) })
}

// SubscribeLogs hands every line of the functions' logs to f.
func (d Deployment) SubscribeLogs(f func(line string)) {
	d.Functions.Subscribe(func(line lambda.Line) { f(line.Text) })
}

// Resolve looks a name up in the private zone.
func (d Deployment) Resolve(name string) (netip.Addr, error) {
	values := d.Names.Lookup(name, "A")
	if len(values) == 0 {
		return netip.Addr{}, fmt.Errorf("the private zone has no address for %s", name)
	}
	address, err := netip.ParseAddr(values[0])
	if err != nil {
		return netip.Addr{}, fmt.Errorf("read the address of %s: %w", name, err)
	}
	return address, nil
}

// Strain has a database instance measure its processor as busy all the time, or not any more.
func (d Deployment) Strain(instance string, on bool) error { return d.Databases.Strain(instance, on) }

// DatabaseCA is the certificate authority of the database hosts, in PEM.
func (d Deployment) DatabaseCA() []byte { return d.Authority }
