package gateway

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/storagegateway"

	"headroom/internal/adapter/gateway/gatewaytest"
	"headroom/internal/pool"
)

const mark = "k3v9x2m7qa"

// ours are tags as an order's gateway has them: more than fit on a page of the fake.
var ours = map[string]string{
	"headroom:host": "share-standard-1", "headroom:order": mark, "headroom:stage": "dev", "headroom:tier": "standard",
}

// with are our tags, but for the mark.
func with(mark string) map[string]string {
	return map[string]string{"headroom:stage": "dev", "headroom:host": "share-standard-1", "headroom:order": mark}
}

func TestAForeignGatewayOfTheNameIsNotFound(t *testing.T) {
	tests := []struct {
		name string
		tags map[string]string
		gone bool
	}{
		{name: "without tags"},
		{name: "with tags of its own", tags: map[string]string{"Name": "gateway-1", "order": mark}},
		{name: "of an earlier order", tags: with("another")},
		{name: "of an earlier order, whose machine is gone", tags: with("another"), gone: true},
		{name: "with an empty mark", tags: with("")},
		{name: "with the mark's beginning", tags: with(mark[:5])},
		{name: "with the mark and more", tags: with(mark + "0")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			fake := &gatewaytest.Service{Page: 1}
			g := &Gateways{Client: fake}
			fake.Add("gateway-1", test.tags, test.gone)
			if arn, err := g.Find(t.Context(), "gateway-1", mark); !errors.Is(err, pool.ErrNotFound) {
				t.Errorf("found %s, %v", arn, err)
			}
			// What lacks the mark in two places is no more ours.
			fake.Add("gateway-2", ours, false)
			fake.Add("gateway-1", test.tags, test.gone)
			if arn, err := g.Find(t.Context(), "gateway-1", mark); !errors.Is(err, pool.ErrNotFound) {
				t.Errorf("found %s among several, %v", arn, err)
			}
		})
	}
}

func TestOursIsFoundAmongThoseOfItsName(t *testing.T) {
	for _, gone := range []bool{false, true} {
		fake := &gatewaytest.Service{}
		g := &Gateways{Client: fake}
		fake.Add("gateway-1", with("another"), gone)
		want := fake.Add("gateway-1", ours, false)
		fake.Add("gateway-1", nil, gone)
		if arn, err := g.Find(t.Context(), "gateway-1", mark); err != nil || arn != want {
			t.Errorf("found %s, %v, want %s", arn, err, want)
		}
	}
}

func TestOursIsFoundOnALaterPage(t *testing.T) {
	fake := &gatewaytest.Service{} // whose pages have a hundred gateways, as Storage Gateway's
	for range 150 {
		fake.Add("gateway-2", with("another"), false)
	}
	want := fake.Add("gateway-1", ours, false)
	if arn, err := (&Gateways{Client: fake}).Find(t.Context(), "gateway-1", mark); err != nil || arn != want {
		t.Errorf("found %s, %v, want %s", arn, err, want)
	}
}

func TestOursIsFoundWhileItReboots(t *testing.T) {
	fake := &gatewaytest.Service{}
	want := fake.Add("gateway-1", ours, true)
	if arn, err := (&Gateways{Client: fake}).Find(t.Context(), "gateway-1", mark); err != nil || arn != want {
		t.Errorf("found %s, %v, want %s", arn, err, want)
	}
}

func TestTagsThatLagMeanNotFoundYet(t *testing.T) {
	const late = 2
	fake := &gatewaytest.Service{Late: late, Keys: map[string]bool{key: true}}
	g := &Gateways{Client: fake, Region: "eu-west-1"}
	want, err := g.Activate(t.Context(), key, "gateway-1", ours)
	if err != nil {
		t.Fatal(err)
	}
	for look := range 2 * late { // it is not listed, then listed without its tags
		if arn, err := g.Find(t.Context(), "gateway-1", mark); !errors.Is(err, pool.ErrNotFound) {
			t.Errorf("look %d: found %s, %v", look, arn, err)
		}
	}
	if arn, err := g.Find(t.Context(), "gateway-1", mark); err != nil || arn != want {
		t.Errorf("found %s, %v, want %s", arn, err, want)
	}
}

func TestWithoutAMarkNothingIsOurs(t *testing.T) {
	fake := &gatewaytest.Service{}
	fake.Add("gateway-1", nil, false)
	fake.Add("gateway-1", with(""), false)
	if arn, err := (&Gateways{Client: fake}).Find(t.Context(), "gateway-1", ""); !errors.Is(err, errNoMark) {
		t.Errorf("found %s, %v", arn, err)
	}
}

// deleting is a Storage Gateway whose gateways are deleted once they were listed.
type deleting struct{ *gatewaytest.Service }

func (deleting) ListTagsForResource(ctx context.Context, in *storagegateway.ListTagsForResourceInput, _ ...func(*storagegateway.Options)) (*storagegateway.ListTagsForResourceOutput, error) {
	return (&gatewaytest.Service{}).ListTagsForResource(ctx, in)
}

func TestAGatewayThatIsDeletedMeanwhileIsNotOurs(t *testing.T) {
	fake := &gatewaytest.Service{}
	fake.Add("gateway-1", ours, false)
	if arn, err := (&Gateways{Client: deleting{fake}}).Find(t.Context(), "gateway-1", mark); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("found %s, %v", arn, err)
	}
}
