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
	for name, content := range map[string]string{"no certificate": "what?", "another's": `{"version":"1","tenantId":"globex"}`} {
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
