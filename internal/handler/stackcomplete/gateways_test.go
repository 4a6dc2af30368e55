package stackcomplete

import (
	"context"

	"headroom/internal/adapter/gateway"
	"headroom/internal/killtest"
	"headroom/internal/pool"
)

// outsideGateways makes each call to Storage Gateway one killtest.Call.
type outsideGateways struct {
	next *gateway.Gateways
	call killtest.Call
}

func (o outsideGateways) Find(ctx context.Context, name, mark string) (arn string, err error) {
	err = o.call("Find", func() (err error) { arn, err = o.next.Find(ctx, name, mark); return err })
	return arn, err
}

func (o outsideGateways) Activate(ctx context.Context, key, name string, tags map[string]string) (arn string, err error) {
	err = o.call("Activate", func() (err error) { arn, err = o.next.Activate(ctx, key, name, tags); return err })
	return arn, err
}

func (o outsideGateways) Running(ctx context.Context, arn string) error {
	return o.call("Running", func() error { return o.next.Running(ctx, arn) })
}

func (o outsideGateways) AddCache(ctx context.Context, arn string) error {
	return o.call("AddCache", func() error { return o.next.AddCache(ctx, arn) })
}

func (o outsideGateways) CreateShare(ctx context.Context, s pool.ShareSpec) (id string, err error) {
	err = o.call("CreateShare", func() (err error) { id, err = o.next.CreateShare(ctx, s); return err })
	return id, err
}

func (o outsideGateways) Shares(ctx context.Context, gateway string, ids []string) (status map[string]string, err error) {
	err = o.call("Shares", func() (err error) { status, err = o.next.Shares(ctx, gateway, ids); return err })
	return status, err
}

func (o outsideGateways) Tag(ctx context.Context, share pool.ShareRef, tags map[string]string) error {
	return o.call("Tag", func() error { return o.next.Tag(ctx, share, tags) })
}

func (o outsideGateways) SetClients(ctx context.Context, share pool.ShareRef, clients []string) error {
	return o.call("SetClients", func() error { return o.next.SetClients(ctx, share, clients) })
}

func (o outsideGateways) Serves(ctx context.Context, share pool.ShareRef, clients []string) (serves bool, err error) {
	err = o.call("Serves", func() (err error) { serves, err = o.next.Serves(ctx, share, clients); return err })
	return serves, err
}

func (o outsideGateways) Bears(ctx context.Context, gateway, mark string) (bears bool, err error) {
	err = o.call("Bears", func() (err error) { bears, err = o.next.Bears(ctx, gateway, mark); return err })
	return bears, err
}

func (o outsideGateways) SharesOf(ctx context.Context, gateway string) (ids []string, err error) {
	err = o.call("SharesOf", func() (err error) { ids, err = o.next.SharesOf(ctx, gateway); return err })
	return ids, err
}

func (o outsideGateways) ShareStatus(ctx context.Context, share pool.ShareRef) (status string, err error) {
	err = o.call("ShareStatus", func() (err error) { status, err = o.next.ShareStatus(ctx, share); return err })
	return status, err
}

func (o outsideGateways) DeleteShare(ctx context.Context, share pool.ShareRef) error {
	return o.call("DeleteShare", func() error { return o.next.DeleteShare(ctx, share) })
}

func (o outsideGateways) DeleteGateway(ctx context.Context, gateway string) error {
	return o.call("DeleteGateway", func() error { return o.next.DeleteGateway(ctx, gateway) })
}
