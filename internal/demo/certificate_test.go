package demo

import (
	"encoding/json"
	"strings"
	"testing"

	"headroom/events"
	"headroom/internal/pool"
)

// certificate is the sample's, as a departure makes it.
func certificate(t *testing.T) events.Certificate {
	t.Helper()
	var e events.TenantReleased
	if err := json.Unmarshal(sample(t, e.DetailType()), &e); err != nil {
		t.Fatal(err)
	}
	c := e.Certificate
	c.Steps = []events.CertifiedStep{
		{Step: string(pool.StepArchive), What: "attempt 1 wrote it"},
		{Step: string(pool.StepVerify), What: "1234567 bytes of zip read back, SHA-256 " + c.Archive.SHA256 + "; 42 files as the manifest has them; the dump restored"},
	}
	c.Slots = []events.CertifiedSlot{
		{Kind: "database", Host: "database-lone-1", Index: 1, Steps: []events.CertifiedStep{
			{Step: string(pool.StepWithdraw), What: "database d_old is dropped, and secret arn:aws:secretsmanager:x is deleted"},
			{Step: string(pool.StepRemake), What: "database d_new is made, and nobody can log in to it"},
			{Step: string(pool.StepProve), What: "looked into 2 times, and nothing was found"},
		}},
		{Kind: "share", Host: "share-lone-1", Index: 1, Destroyed: 97, Steps: []events.CertifiedStep{
			{Step: string(pool.StepProve), What: "looked into 2 times, and nothing was found"},
		}},
	}
	return c
}

func TestACertificateIsShownInShort(t *testing.T) {
	c := certificate(t)
	for _, columns := range []int{0, 60, 80, 120} {
		p, out := narrow(columns, false)
		p.certificate(c)
		if got := widest(out.String()); columns > 0 && got > columns {
			t.Errorf("%d columns are used of %d:\n%s", got, columns, out)
		}
		said := strings.Join(strings.Fields(out.String()), " ")
		for _, want := range []string{
			"Certificate of acme", "by billing", c.Archive.Key, "SHA-256 9f86d081884c7d65…", "verified 42 files as the manifest has them; the dump restored",
			"database slot 1 of database-lone-1: looked into 2 times", "share slot 1 of share-lone-1: 97 object versions",
			"remains automated backups of database-standard-1, until 2026-11-19 09:20:00", c.CertifiedKey,
		} {
			if !strings.Contains(said, want) {
				t.Errorf("in %d columns it does not say %q:\n%s", columns, want, out)
			}
		}
		if strings.Contains(said, "arn:") {
			t.Errorf("it says where secrets were:\n%s", out)
		}
	}
}

func TestEvidenceInOnePieceIsShownWhole(t *testing.T) {
	c := certificate(t)
	c.Steps = []events.CertifiedStep{{Step: string(pool.StepVerify), What: "all is there"}}
	p, out := narrow(0, false)
	p.certificate(c)
	if !strings.Contains(out.String(), "verified   all is there\n") {
		t.Errorf("it says\n%s", out)
	}
}

func TestTheNextCustomerHasTheSlotsThatAreCertified(t *testing.T) {
	c := certificate(t)
	next := func(database, share string) (t Tenant) {
		t.Ready.Database.Name, t.Ready.Share.Host = database, share
		return t
	}
	if err := hasSlots(next("d_new", "share-lone-1.headroom-dev.internal"), c); err != nil {
		t.Error(err)
	}
	for name, other := range map[string]Tenant{
		"another database":            next("d_old", "share-lone-1.headroom-dev.internal"),
		"a name that begins the same": next("d_ne", "share-lone-1.headroom-dev.internal"),
		"another gateway":             next("d_new", "share-lone-12.headroom-dev.internal"),
	} {
		if hasSlots(other, c) == nil {
			t.Errorf("%s is taken for the same", name)
		}
	}
	c.Slots = c.Slots[:1]
	if hasSlots(next("d_new", "share-lone-1.headroom-dev.internal"), c) == nil {
		t.Error("nothing is certified of the share, and it is taken for the same")
	}
}
