package demo

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// Printer words a run for people.
type Printer struct {
	out   io.Writer
	start time.Time
}

// NewPrinter starts the clock that its lines show.
func NewPrinter(out io.Writer) *Printer { return &Printer{out: out, start: time.Now()} }

// Line prints a line with the seconds since the start.
func (p *Printer) Line(text string) {
	_, _ = fmt.Fprintf(p.out, "%6.1fs  %s\n", time.Since(p.start).Seconds(), text)
}

func (p *Printer) step(text string) {
	_, _ = fmt.Fprintf(p.out, "\n== %s\n", text)
}

// table shows what each tenant got, and how to reach it from this machine.
func (p *Printer) table(tenants []Tenant, cloud Cloud, caFile string) {
	_, _ = fmt.Fprintln(p.out)
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "TENANT\tINSTANCE\tREADY AFTER\tDATABASE\tSHARE")
	for _, t := range tenants {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s:%s\n", t.ID, t.Instance, took(t), t.Ready.Database.Name, t.Ready.Share.Host, t.Ready.Share.Path)
	}
	_ = w.Flush()
	_, _ = fmt.Fprintln(p.out, "\nTo look inside a database, with the password from the tenant's secret:")
	for _, t := range tenants {
		db := t.Ready.Database
		_, _ = fmt.Fprintf(p.out, "  %-10s psql 'host=%s port=%d dbname=%s user=%s sslmode=verify-full sslrootcert=%s'\n", t.ID, db.Host, db.Port, db.Name, db.Username, caFile)
	}
	_, _ = fmt.Fprintln(p.out, "\nTo mount a share, as root: a gateway lets a tenant in by its address, so the way there leads from that address\n"+
		"(`ip route del local <gateway> table local` undoes it).")
	for _, t := range tenants {
		if address, err := cloud.Resolve(t.Ready.Share.Host); err == nil {
			_, _ = fmt.Fprintf(p.out, "  %-10s ip route replace local %s dev lo src %s table local &&\n", t.ID, address, t.Instance)
			_, _ = fmt.Fprintf(p.out, "  %-10s mount -t nfs -o %s %s:%s /mnt\n", "", t.Ready.Share.Options, address, t.Ready.Share.Path)
		}
	}
}

func took(t Tenant) string {
	text := t.Took.Round(10 * time.Millisecond).String()
	if t.Waited > 0 {
		text += fmt.Sprintf(" (waited as number %d)", t.Waited)
	}
	return text
}

// verdict shows what was tried; the error says that something did not hold.
func (p *Printer) verdict(proofs []Proof) error {
	failed := 0
	for _, proof := range proofs {
		if proof.Err != nil {
			failed++
			_, _ = fmt.Fprintf(p.out, "   FAILED  %s: %v\n", proof.What, proof.Err)
			continue
		}
		_, _ = fmt.Fprintf(p.out, "   holds   %s\n", proof.What)
	}
	_, _ = fmt.Fprintf(p.out, "\n%d of %d held\n", len(proofs)-failed, len(proofs))
	if failed > 0 {
		return fmt.Errorf("%d of %d proofs failed", failed, len(proofs))
	}
	return nil
}
