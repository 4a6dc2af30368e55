package stackcomplete

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"headroom/internal/pool"
)

// marking notes which buckets were marked and which shares were made, in order.
type marking struct {
	gateways
	calls []string
	err   error // of every mark
}

func (m *marking) Mark(_ context.Context, bucketARN, mark string) error {
	m.calls = append(m.calls, "mark "+bucketARN+" "+mark)
	return m.err
}

func (m *marking) CreateShare(_ context.Context, s pool.ShareSpec) (string, error) {
	m.calls = append(m.calls, "share "+s.Bucket)
	return "share-" + s.Name, nil
}

func TestABucketIsMarkedBeforeItsShareIsMade(t *testing.T) {
	host := pool.Host{ID: "share-standard-1", Kind: pool.Share, Tier: "standard", Mark: "k3v9x2m7qa", Slots: []pool.Slot{
		{Index: 1, Generation: 1, Name: "a", Bucket: "arn:aws:s3:::a", Share: "share-a"}, // made before
		{Index: 2, Generation: 1, Name: "b", Bucket: "arn:aws:s3:::b"},
		{Index: 3, Generation: 4, Name: "c", Bucket: "arn:aws:s3:::c"},
	}}
	m := &marking{}
	h := &Handler{Config{Gateways: m, Buckets: m, Stage: "dev", Now: time.Now}}
	p, err := h.shares(t.Context(), host)
	if err != nil || p.Record.Slots[2].Share != "share-c" {
		t.Fatalf("%+v, %v", p, err)
	}
	want := []string{
		"mark arn:aws:s3:::b share-standard-1/k3v9x2m7qa/2/1", "share arn:aws:s3:::b",
		"mark arn:aws:s3:::c share-standard-1/k3v9x2m7qa/3/4", "share arn:aws:s3:::c",
	}
	if !slices.Equal(m.calls, want) {
		t.Errorf("calls %q, want %q", m.calls, want)
	}

	m.calls, m.err = nil, errors.New("refused")
	if _, err := h.shares(t.Context(), host); !errors.Is(err, m.err) || len(m.calls) != 1 {
		t.Errorf("a bucket that can't be marked: %q, %v", m.calls, err)
	}
}

// tokens notes the tokens of the shares that are asked for.
type tokens struct {
	marking
	seen []string
}

func (g *tokens) CreateShare(ctx context.Context, s pool.ShareSpec) (string, error) {
	g.seen = append(g.seen, s.Token)
	return g.marking.CreateShare(ctx, s)
}

// By its token Storage Gateway answers with a share that it has made already: that must be of this stage, order,
// slot and generation.
func TestAShareOfAnotherOrderOrGenerationIsNotTakenForOurs(t *testing.T) {
	token := func(change func(stage *string, host *pool.Host)) string {
		stage, host := "dev", pool.Host{ID: "share-standard-1", Kind: pool.Share, Tier: "standard", Mark: "k3v9x2m7qa", Slots: []pool.Slot{
			{Index: 1, Generation: 1, Name: "a", Bucket: "arn:aws:s3:::a"},
		}}
		change(&stage, &host)
		g := &tokens{}
		h := &Handler{Config{Gateways: g, Buckets: g, Stage: stage, Now: time.Now}}
		if _, err := h.shares(t.Context(), host); err != nil || len(g.seen) != 1 {
			t.Fatalf("asked with %q, error %v", g.seen, err)
		}
		return g.seen[0]
	}
	ours := token(func(*string, *pool.Host) {})
	if again := token(func(_ *string, h *pool.Host) { h.Access.Gateway, h.Tries = "gateway", 3 }); again != ours {
		t.Errorf("asked again with %q, not %q", again, ours)
	}
	for name, change := range map[string]func(*string, *pool.Host){
		"stage":      func(stage *string, _ *pool.Host) { *stage = "prod" },
		"host":       func(_ *string, h *pool.Host) { h.ID = "share-standard-2" },
		"order":      func(_ *string, h *pool.Host) { h.Mark = "another000" },
		"slot":       func(_ *string, h *pool.Host) { h.Slots[0].Index = 2 },
		"generation": func(_ *string, h *pool.Host) { h.Slots[0].Generation = 2 },
	} {
		if got := token(change); got == ours {
			t.Errorf("of another %s, and with the token %q too", name, got)
		}
	}
}
