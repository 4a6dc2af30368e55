package decommission

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"headroom/events"
	"headroom/internal/pool"
)

// TestACertificateStaysAsItWasStored has a host be retired just when the certificate was stored and nobody heard so: stored once more
// it would name what is left of the host.
func TestACertificateStaysAsItWasStored(t *testing.T) {
	w := newWorld(t)
	w.short()
	stored := 0
	w.call = func(operation string, do func() error) error {
		err := do()
		if operation != "Put" {
			return err
		}
		if stored++; stored > 1 {
			return err
		}
		w.alter("database-standard-1", func(h pool.Host) pool.Host {
			h.Retire.Left = append(h.Retire.Left, pool.Remnant{What: "automated backups", Name: "database-1", Until: w.now.Add(7 * 24 * time.Hour)})
			return h
		})
		return errors.Join(err, errors.New("the reply was lost"))
	}
	w.ask("acme", "")
	w.run(3*time.Hour, w.once)
	if d := w.departure("acme.markacme"); d.State != pool.DepartureLeft || stored != 2 {
		t.Fatalf("it is %s at %q, and stored its certificate %d times: %s", d.State, d.Step, stored, d.Error)
	}
	var released events.TenantReleased
	w.must(json.Unmarshal(w.bus.Of("TenantReleased")[0], &released))
	if c := w.certificate(t); !reflect.DeepEqual(released.Certificate, c) || strings.Contains(string(w.bus.Of("TenantReleased")[0]), "automated backups database-1") {
		t.Errorf("said %+v, stored %+v", released.Certificate, c)
	}
}

// TestNothingElseIsTakenForACertificate has something else lie where a certificate is to be stored.
func TestNothingElseIsTakenForACertificate(t *testing.T) {
	for name, content := range map[string]string{
		"no certificate": "what?", "another's": `{"version":"1","tenantId":"globex"}`,
		"of another departure": `{"version":"1","tenantId":"acme","departure":"acme.markacme-1"}`,
		"of another archive":   `{"version":"1","tenantId":"acme","departure":"acme.markacme","archive":{"key":"other"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.short()
			_, err := w.store().Put(t.Context(), pool.ObjectSpec{
				Bucket: archives, Key: "acme.markacme/certificate.json", KMSKey: archiveKey, ContentType: "application/json",
			}, []byte(content))
			w.must(err)
			w.ask("acme", "")
			w.run(3*time.Hour, w.once)
			if d := w.departure("acme.markacme"); d.State == pool.DepartureLeft || !strings.Contains(d.Error, pool.ErrOtherObject.Error()) || strings.Contains(w.said(), "TenantReleased") {
				t.Errorf("it is %s at %q: %s; said %s", d.State, d.Step, d.Error, w.said())
			}
		})
	}
}

// The table was put back to before a departure ended, and its last steps are taken again: that it is certified stays as it was said first.
func TestACertificateOfStepsThatAreTakenAgainStays(t *testing.T) {
	for name, test := range map[string]struct {
		change func(c *events.Certificate)
		ends   bool
	}{
		"at other times":    {func(c *events.Certificate) { c.Steps[0].At, c.Slots[0].Steps[0].What = events.At(start), "otherwise" }, true},
		"of other slots":    {func(c *events.Certificate) { c.Slots[0].Index++ }, false},
		"of one slot alone": {func(c *events.Certificate) { c.Slots = c.Slots[:1] }, false},
		"of a retired slot": {func(c *events.Certificate) { c.Slots[0].Retired = "it is broken" }, false},
		"of fewer files":    {func(c *events.Certificate) { c.Archive.Entries-- }, false},
	} {
		t.Run(name, func(t *testing.T) {
			first := newWorld(t)
			first.short()
			first.ask("acme", "")
			first.run(3*time.Hour, first.once)
			said := first.certificate(t)
			test.change(&said)
			content, err := json.MarshalIndent(said, "", "  ")
			first.must(err)

			w := newWorld(t)
			w.short()
			w.ask("acme", "")
			w.call = func(operation string, do func() error) error {
				if d, err := w.ledger.Departure(t.Context(), "acme.markacme"); err == nil && d.Step == pool.StepCertify && content != nil {
					_, err := w.store().Put(t.Context(), pool.ObjectSpec{Bucket: archives, Key: said.CertifiedKey, KMSKey: archiveKey, ContentType: "application/json"}, content)
					w.must(err)
					content = nil
				}
				return do()
			}
			w.complain = false
			w.run(3*time.Hour, w.once)
			if d := w.departure("acme.markacme"); (d.State == pool.DepartureLeft) != test.ends {
				t.Errorf("it is %s at %q: %s", d.State, d.Step, d.Error)
			}
			if stays := reflect.DeepEqual(w.certificate(t), said); !stays {
				t.Error("what was stored first is something else now")
			}
		})
	}
}
