package gateway

import (
	"errors"
	"strings"
	"testing"

	"headroom/internal/pool"
)

// served is a share that its gateway serves.
func served(t *testing.T, g *Gateways, gateway string) (ref pool.ShareRef, arn string) {
	t.Helper()
	id, err := g.CreateShare(t.Context(), pool.ShareSpec{
		Token: "share-standard-1/1", Gateway: gateway, Bucket: "arn:aws:s3:::bucket-1", Role: "arn:aws:iam::123456789012:role/r",
		Name: "x7", Key: "arn:aws:kms:eu-west-1:123456789012:key/k", Clients: []string{"192.0.2.1/32"},
	})
	if err != nil {
		t.Fatal(err)
	}
	ref = pool.ShareRef{Gateway: gateway, ID: id}
	until(t, func() error {
		status, err := g.ShareStatus(t.Context(), ref)
		if err == nil && status != pool.ShareAvailable {
			return pool.ErrUnreachable
		}
		return err
	})
	return ref, shareARN(ref)
}

func TestAShareIsDeletedOnceHoweverOftenItIsAskedFor(t *testing.T) {
	g, fake, gateway := ready(t, 2)
	ref, arn := served(t, g, gateway)
	fake.Hold(arn, true)
	fake.Write(arn, "file")
	for range 3 {
		if err := g.DeleteShare(t.Context(), ref); err != nil {
			t.Fatal(err)
		}
		if status, err := g.ShareStatus(t.Context(), ref); err != nil || status != pool.ShareDeleting {
			t.Fatalf("it is %s, %v", status, err)
		}
	}
	fake.Hold(arn, false)
	for range 20 {
		if _, err := g.ShareStatus(t.Context(), ref); errors.Is(err, pool.ErrNotFound) {
			break
		}
	}
	if _, err := g.ShareStatus(t.Context(), ref); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("it is not gone: %v", err)
	}
	if err := g.DeleteShare(t.Context(), ref); err != nil {
		t.Errorf("deleted when it is gone: %v", err)
	}
	if len(fake.Shares()) != 0 {
		t.Errorf("shares %+v", fake.Shares())
	}
}

func TestAGatewayThatIsAwayIsAskedLater(t *testing.T) {
	g, fake, gateway := ready(t, 0)
	ref, _ := served(t, g, gateway)
	fake.Away(gateway, true)
	_, notify := g.NotifyWhenUploaded(t.Context(), ref)
	_, refresh := g.RefreshCache(t.Context(), ref)
	for what, err := range map[string]error{"delete": g.DeleteShare(t.Context(), ref), "notify": notify, "refresh": refresh} {
		if !errors.Is(err, pool.ErrUnreachable) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if len(fake.Shares()) != 1 {
		t.Error("the share is gone")
	}
}

func TestUploadsAreToldByTheIDThatWasAnswered(t *testing.T) {
	g, fake, gateway := ready(t, 1)
	fake.Doubled = true
	ref, arn := served(t, g, gateway)
	fake.Hold(arn, true)
	fake.Write(arn, "file")
	id, err := g.NotifyWhenUploaded(t.Context(), ref)
	if err != nil || id == "" {
		t.Fatal(id, err)
	}
	if early := fake.Take(); len(early) != 0 {
		t.Errorf("told early: %s", early)
	}
	fake.Hold(arn, false)
	if late := fake.Take(); len(late) != 0 {
		t.Errorf("it did not come late: %s", late)
	}
	told := fake.Take()
	if len(told) != 2 || !strings.Contains(string(told[0]), id) {
		t.Errorf("told %s", told)
	}
	if _, err := g.RefreshCache(t.Context(), ref); err != nil {
		t.Error(err)
	}
}
