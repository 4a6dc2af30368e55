package gateway_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"headroom/internal/adapter/gateway"
	"headroom/internal/adapter/gateway/gatewaytest"
	"headroom/internal/pool"
)

func TestAGatewayIsGivenUp(t *testing.T) {
	fake := &gatewaytest.Service{}
	g := &gateway.Gateways{Client: fake, Region: "eu-west-1"}
	ours := fake.Add("headroom-dev-share-standard-1", map[string]string{"a": "b", "c": "d", "headroom:order": "m"}, false)
	other := fake.Add("other", nil, false)
	var made []string
	for i, of := range []string{ours, ours, other, ours} {
		id, err := g.CreateShare(t.Context(), pool.ShareSpec{
			Token: fmt.Sprintf("token-%d", i), Gateway: of, Bucket: fmt.Sprintf("arn:aws:s3:::bucket-%d", i), Role: "arn:aws:iam::123456789012:role/r",
			Name: fmt.Sprintf("x%d", i), Key: "arn:aws:kms:eu-west-1:123456789012:key/k", Clients: []string{"192.0.2.1/32"},
		})
		if err != nil {
			t.Fatal(err)
		}
		if of == ours {
			made = append(made, id)
		}
	}
	if ids, err := g.SharesOf(t.Context(), ours); err != nil || !slices.Equal(ids, made) {
		t.Errorf("its shares are %v, %v; made were %v", ids, err, made)
	}
	for mark, want := range map[string]bool{"m": true, "n": false} {
		if bears, err := g.Bears(t.Context(), ours, mark); err != nil || bears != want {
			t.Errorf("that it bears %q is %t, %v", mark, bears, err)
		}
	}
	if _, err := g.Bears(t.Context(), ours, ""); err == nil {
		t.Error("without a mark it is anybody's")
	}
	for range 2 {
		if err := g.DeleteGateway(t.Context(), ours); err != nil {
			t.Error(err)
		}
	}
	if _, err := g.Bears(t.Context(), ours, "m"); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("that of one that is gone: %v", err)
	}
	if left := fake.Gateways(); len(left) != 1 || left[0].ARN != other || fake.Forced() != len(made) {
		t.Errorf("left are %v, %d shares went by force", left, fake.Forced())
	}
}
