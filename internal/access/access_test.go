package access_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"headroom/internal/access"
	"headroom/internal/pool"
)

var share = pool.ShareRef{Gateway: "gateway", ID: "share-1"}

// world is a share and a group, with what was done to them in order.
type world struct {
	clients  []string
	admitted []string
	evicted  []string
	done     []string
	fail     string
}

var errNotNow = errors.New("not now")

func (w *world) do(what string) error {
	if w.fail == what {
		return errNotNow
	}
	w.done = append(w.done, what)
	return nil
}

func (w *world) SetClients(_ context.Context, _ pool.ShareRef, clients []string) error {
	if err := w.do("clients"); err != nil {
		return err
	}
	w.clients = slices.Clone(clients)
	return nil
}

func (w *world) Serves(_ context.Context, _ pool.ShareRef, clients []string) (bool, error) {
	return slices.Equal(w.clients, clients), w.do("look")
}

func (w *world) Admit(_ context.Context, group, address, _ string) error {
	w.admitted = append(w.admitted, group+" "+address)
	return w.do("admit")
}

func (w *world) Evict(_ context.Context, group, address string) error {
	w.evicted = append(w.evicted, group+" "+address)
	return w.do("evict")
}

func TestAShareIsOpenToWhatItsTenantDesiresAndNothingElse(t *testing.T) {
	w := &world{clients: []string{"192.0.2.1/32"}}
	writer := access.Writer{Shares: w, Firewall: w}
	tenant := pool.Tenant{ID: "acme", Addresses: []string{"10.0.0.9"}, Change: pool.Change{Coming: []string{"10.0.0.1"}, Going: []string{"10.0.0.9"}}}
	if err := writer.Served(t.Context(), share, tenant.Clients()); !errors.Is(err, access.ErrNotServing) {
		t.Errorf("before it was set: %v", err)
	}
	w.done = nil
	if err := writer.Set(t.Context(), tenant, share, "sg-1"); err != nil {
		t.Fatal(err)
	}
	if want := []string{"10.0.0.1/32", "10.0.0.9/32"}; !slices.Equal(w.clients, want) {
		t.Errorf("clients %v, want %v", w.clients, want)
	}
	if want := []string{"sg-1 10.0.0.9", "sg-1 10.0.0.1"}; !slices.Equal(w.admitted, want) {
		t.Errorf("admitted %v, want %v", w.admitted, want)
	}
	if want := []string{"admit", "admit", "clients"}; !slices.Equal(w.done, want) {
		t.Errorf("done %v, want %v", w.done, want)
	}
	if err := writer.Served(t.Context(), share, tenant.Clients()); err != nil {
		t.Errorf("after it was set: %v", err)
	}
}

func TestWhatFailsIsNamed(t *testing.T) {
	for _, what := range []string{"admit", "clients", "look", "evict"} {
		w := &world{fail: what}
		writer := access.Writer{Shares: w, Firewall: w}
		tenant := pool.Tenant{ID: "acme", Addresses: []string{"10.0.0.1"}}
		err := writer.Set(t.Context(), tenant, share, "sg-1")
		switch what {
		case "look":
			err = writer.Served(t.Context(), share, tenant.Clients())
		case "evict":
			err = writer.Evict(t.Context(), "sg-1", []string{"10.0.0.1"})
		}
		if !errors.Is(err, errNotNow) {
			t.Errorf("%s: %v", what, err)
		}
		if what == "admit" && slices.Contains(w.done, "clients") {
			t.Error("the share was opened behind a gateway that could not be")
		}
	}
}

func TestOnlyWhatIsNamedIsPutOut(t *testing.T) {
	w := &world{}
	if err := (access.Writer{Shares: w, Firewall: w}).Evict(t.Context(), "sg-1", []string{"10.0.0.1", "10.0.0.2"}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"sg-1 10.0.0.1", "sg-1 10.0.0.2"}; !slices.Equal(w.evicted, want) {
		t.Errorf("put out %v, want %v", w.evicted, want)
	}
}
