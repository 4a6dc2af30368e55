package restore

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"headroom/internal/pool"
)

// outcome is what a run comes to, without what may differ between runs: times, drawn names, and how often the same was
// said or tried.
type outcome struct {
	Restoration string
	Kept        int
	Databases   []string
	Slots       []string
	Secrets     []string
	Bays        []pool.Bay
	Running     int // tasks
	Instances   []string
	Copied      []string
	Events      []string
	Told        []string
	Refused     []string
}

var (
	drawn   = regexp.MustCompile(`next\d{6}(x\d+)?`)
	counted = regexp.MustCompile(`stand-in-(\d+)-\d+`)
	moment  = regexp.MustCompile(`"(restoredAt|undoUntil|undoneAt|at)":"[^"]*"|"refusedSeconds":\d+|"since":"[^"]*"`)
)

// outcome looks at everything.
func (w *world) outcome() outcome {
	w.t.Helper()
	ctx := context.Background()
	r := w.restoration()
	o := outcome{
		Restoration: fmt.Sprintf("%s is %s at %q, ordered %v, failed %v", r.ID(), r.State, r.Step, r.Ordered, r.Failed), Kept: len(r.Kept),
		Instances: w.rds.Names(), Copied: slices.Compact(slices.Sorted(slices.Values(w.copied))),
	}
	for _, host := range []pool.HostID{"database-standard-1", "database-standard-2"} {
		o.Slots = append(o.Slots, w.slots(host)...)
	}
	for _, d := range w.allDatabases() {
		name := d.name
		o.Databases = append(o.Databases, fmt.Sprintf("%s bears %s: login %v, rows %v, copier %v, filler %v, settings %v", drawn.ReplaceAllString(name, "next"),
			counted.ReplaceAllString(d.mark, "stand-in-$1"), d.login, w.wrote(d.rows), d.copier != "", d.filler != "", d.settings))
	}
	for _, secret := range w.secrets.Secrets() {
		o.Secrets = append(o.Secrets, secret.Name)
	}
	bays, err := w.ledger.Bays(ctx)
	w.must(err)
	o.Bays = slices.Clip(bays.Taken)
	for _, t := range w.cluster.Tasks() {
		if t.Status != "STOPPED" {
			o.Running++
		}
	}
	for _, e := range w.bus.Published() {
		o.Events = append(o.Events, e.DetailType+" "+moment.ReplaceAllString(string(e.Detail), "…"))
	}
	for _, note := range w.topic.Notes() {
		o.Told = append(o.Told, note.Subject)
	}
	for _, m := range w.refused.Messages() {
		o.Refused = append(o.Refused, m.Body)
	}
	for _, list := range []*[]string{&o.Databases, &o.Events, &o.Told, &o.Refused, &o.Secrets} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return o
}

// clean finds what a restoration that is over has left behind.
func (o outcome) clean() (left []string) {
	for _, name := range o.Instances {
		if name != source {
			left = append(left, "instance "+name)
		}
	}
	if len(o.Bays) > 0 {
		left = append(left, "a bay")
	}
	if o.Running > 0 {
		left = append(left, "a task")
	}
	for _, name := range o.Secrets {
		if !strings.HasPrefix(name, "rds!database-standard-") && !strings.HasPrefix(name, "headroom/prod/tenant/") {
			left = append(left, "secret "+name)
		}
	}
	return left
}
