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
