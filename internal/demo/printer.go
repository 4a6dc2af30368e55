package demo

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// printer words a run for people.
type printer struct {
	out   io.Writer
	start time.Time
}

func (p *printer) step(text string) {
	_, _ = fmt.Fprintf(p.out, "\n== %s\n", text)
}

func (p *printer) line(text string) {
	if p.start.IsZero() {
		p.start = time.Now()
	}
	_, _ = fmt.Fprintf(p.out, "   %5.1fs  %s\n", time.Since(p.start).Seconds(), text)
}

// table shows what each tenant got, and how to reach it from this machine.
func (p *printer) table(tenants []Tenant, cloud Cloud, caFile string) {
	_, _ = fmt.Fprintln(p.out)
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "TENANT\tINSTANCE\tREADY AFTER\tDATABASE\tSHARE")
	for _, t := range tenants {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s:%s\n", t.ID, t.Instance, took(t), t.Ready.Database.Name, t.Ready.Share.Host, t.Ready.Share.Path)
	}
	_ = w.Flush()
	_, _ = fmt.Fprintln(p.out, "\nto look inside, with the password from the tenant's secret:")
	for _, t := range tenants {
		db := t.Ready.Database
		_, _ = fmt.Fprintf(p.out, "  %-10s psql 'host=%s port=%d dbname=%s user=%s sslmode=verify-full sslrootcert=%s'\n", t.ID, db.Host, db.Port, db.Name, db.Username, caFile)
		if address, err := cloud.Resolve(t.Ready.Share.Host); err == nil {
			// Both ports are named because no portmapper runs here; a real gateway needs neither.
			_, _ = fmt.Fprintf(p.out, "  %-10s mount -t nfs -o %s,vers=3,proto=tcp,port=%d,mountport=%d,mountproto=tcp %s:%s /mnt\n", "", t.Ready.Share.Options, nfsPort, nfsPort, address, t.Ready.Share.Path)
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

// proofs shows what was tried; it gives the number of what did not hold.
func (p *printer) proofs(proofs []Proof) int {
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
	return failed
}
