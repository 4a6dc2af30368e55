package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"headroom/internal/operator"
	"headroom/internal/pool"
)

// newHost is `headroom host`.
func newHost() *cobra.Command {
	return group("host", "Hosts: RDS instances and Storage Gateways.", append([]*cobra.Command{newHostList(), newHostShow(), newHostExplain()}, newHostActions()...)...)
}

// hostStates can be asked for.
var hostStates = []string{
	string(pool.HostOrdered), string(pool.HostBuilding), string(pool.HostPreparing), string(pool.HostInService), string(pool.HostCordoned), string(pool.HostRetiring),
	string(pool.HostLost), string(pool.HostDeleting), string(pool.HostDeleted), string(pool.HostQuarantined),
}

func newHostList() *cobra.Command {
	var f operator.HostFilter
	var state string
	return verb{
		use: "list [flags]", short: "List the hosts.", example: "  headroom host list --pool share-standard --state cordoned",
		args: noArguments, watched: true,
		flags: func(flags *pflag.FlagSet) {
			flags.StringVar(&f.Pool, "pool", "", "Of this pool only, such as share-standard.")
			flags.StringVar(&state, "state", "", "In this state only: "+strings.Join(hostStates, ", ")+".")
			flags.BoolVar(&f.All, "all", false, "Also those that are gone.")
		},
		check: func([]string) error { return oneOf("--state", state, hostStates) },
		ask: func(ctx context.Context, o *operator.Operator, _ []string) (answer, error) {
			f.State = pool.HostState(state)
			hosts, err := o.Hosts(ctx, f)
			return answer{data: map[string]any{"hosts": list(hosts)}, show: func(p *page) { showHosts(p, hosts) }}, err
		},
	}.command()
}

// oneOf refuses a value that is none of those there are; empty is any.
func oneOf(flag, value string, known []string) error {
	if value == "" || slices.Contains(known, value) {
		return nil
	}
	return fmt.Errorf("%s is %q, and must be one of %s", flag, value, strings.Join(known, ", "))
}

// list is a list that JSON has as one when it is empty.
func list[E any](l []E) []E {
	if l == nil {
		return []E{}
	}
	return l
}

func showHosts(p *page, hosts []operator.Host) {
	heads := []string{"HOST", "STATE", "AGE", "USED", "FREE", "STEP", "WHY"}
	if p.roomy() {
		heads = slices.Insert(heads, 2, "SINCE")
	}
	var rows [][]string
	for _, h := range hosts {
		row := []string{
			string(h.Host), p.state(string(h.State)), p.age(h.Since), fmt.Sprintf("%d/%d", h.Slots.Used, h.Slots.Size), strconv.Itoa(h.Slots.Free), doing(h.Work), h.Why,
		}
		if p.roomy() {
			row = slices.Insert(row, 2, at(h.Since))
		}
		rows = append(rows, row)
	}
	p.table("There are none.", heads, rows)
}

// doing words what is to be done next.
func doing(w *operator.Work) string {
	switch {
	case w == nil:
		return "-"
	case w.Step == "":
		return "given up: " + string(w.Stuck)
	case w.Tries > 0:
		return fmt.Sprintf("%s, try %d", w.Step, w.Tries+1)
	}
	return string(w.Step)
}

// hostNames completes the ID of a host.
func hostNames(ctx context.Context, o *operator.Operator) ([]string, error) {
	hosts, err := o.Hosts(ctx, operator.HostFilter{})
	var names []string
	for _, h := range hosts {
		names = append(names, string(h.Host)+"\t"+string(h.State))
	}
	return names, err
}

func newHostShow() *cobra.Command {
	return verb{
		use: "show HOST [flags]", short: "Show a host: its slots and tenants, alarms, repair and history.",
		example: "  headroom host show share-standard-3", args: arguments("host"), watched: true, complete: hostNames,
		ask: func(ctx context.Context, o *operator.Operator, args []string) (answer, error) {
			h, err := o.Host(ctx, args[0])
			return answer{data: h, show: func(p *page) { showHost(p, h) }}, err
		},
	}.command()
}

func newHostExplain() *cobra.Command {
	return verb{
		use: "explain HOST [flags]", short: "Say why a host is as it is, and why it is not repaired.",
		args: arguments("host"), complete: hostNames,
		ask: func(ctx context.Context, o *operator.Operator, args []string) (answer, error) {
			e, err := o.ExplainHost(ctx, args[0])
			return answer{data: e, show: func(p *page) { showExplanation(p, e) }}, err
		},
	}.command()
}

func showHost(p *page, h operator.HostDetail) {
	p.heading("Host " + string(h.Host.Host))
	p.fact("state", fmt.Sprintf("%s since %s: %s", p.state(string(h.State)), p.when(h.Since), h.Why))
	for _, why := range h.Barred {
		p.fact("takes nobody", why)
	}
	if h.Protected != "" {
		p.fact("protected", "it is not retired, by "+h.Protected)
	}
	showWork(p, h.Work)
	p.fact("slots", fmt.Sprintf("%d: %d used, %d free (%d on the shelf), %d leaving, %d cooling, %d quarantined, %d retired",
		h.Slots.Size, h.Slots.Used, h.Slots.Free, h.Slots.OnShelf, h.Slots.Leaving, h.Slots.Cooling, h.Slots.Quarantined, h.Slots.Retired))
	p.fact("zone", h.Zone)
	p.fact("ordered", p.when(h.OrderedAt)+", mark "+h.Mark)
	p.fact("stack", h.Stack)
	p.fact("address", h.Address)
	p.fact("gateway", h.Gateway)
	p.fact("machine", h.Machine)
	p.fact("cache", h.Cache)
	p.fact("image", h.Image)
	if r := h.Retired; r != nil {
		p.heading("Retirement")
		p.fact("began", p.when(r.Began))
		p.fact("by", r.By)
		for _, left := range r.Left {
			p.fact("left", fmt.Sprintf("%s %s until %s", left.What, left.Name, at(left.Until)))
		}
	}
	if r := h.Repair; r != nil {
		p.heading("Repair " + r.Repair)
		p.fact("state", p.state(string(r.State)))
		p.fact("cause", r.Cause)
		p.fact("began", p.when(r.Began))
		p.fact("way", string(r.Way))
		p.fact("asks", r.Asked)
		showWork(p, r.Work)
		for _, t := range r.Tried {
			p.fact("tried", fmt.Sprintf("%s at %s: %s", t.Way, at(t.At), t.Came))
		}
		if r.Loses != "" {
			p.fact("may lose", "by way gateway, "+r.Loses)
		}
		if r.Lost != "" {
			p.fact("lost", "maybe, "+r.Lost)
		}
		for _, k := range r.Kept {
			what := k.Volume + " until " + at(k.Until)
			if k.Gateway != "" {
				what += ", of gateway " + k.Gateway
			}
			if k.Word {
				what += ", and longer: headroom host repair " + string(h.Host.Host) + " --discard lets it go"
			}
			p.fact("kept", what)
		}
	}
	if len(h.Alarms) > 0 {
		p.heading("Alarms, as last heard")
		var rows [][]string
		for _, a := range h.Alarms {
			state := "ok"
			if a.On {
				state = "alarm"
			}
			rows = append(rows, []string{a.Alarm, at(a.At), p.state(state)})
		}
		p.table("", []string{"ALARM", "AT", "STATE"}, rows)
	}
	if len(h.SlotList) > 0 {
		p.heading("Slots")
		var rows [][]string
		for _, s := range h.SlotList {
			rows = append(rows, []string{strconv.Itoa(s.Index), strconv.Itoa(s.Generation), p.state(string(s.State)), at(s.Since), s.Name, string(s.Tenant)})
		}
		p.table("", []string{"SLOT", "GENERATION", "STATE", "SINCE", "NAME", "TENANT"}, rows)
	}
	next := []string{"headroom host explain " + string(h.Host.Host)}
	for _, s := range h.SlotList {
		if s.Doubt != "" {
			name := fmt.Sprintf("%s/%d", h.Host.Host, s.Index)
			p.item("slot " + name + " is in quarantine since a recovery: " + s.Doubt)
			next = append(next, "headroom slot again "+name+" --reason …")
		}
	}
	showEvents(p, "History", h.History)
	p.next(next...)
}

func showWork(p *page, w *operator.Work) {
	if w == nil {
		return
	}
	if w.Step != "" {
		step := string(w.Step)
		if !w.Due.IsZero() {
			step += ", due " + p.when(w.Due)
		}
		if w.Tries > 0 {
			step += fmt.Sprintf(", past its deadline %d times", w.Tries)
		}
		p.fact("step", step)
	}
	if w.Stuck != "" {
		p.fact("given up", p.in(red, string(w.Stuck)))
	}
	p.fact("last error", w.Error)
}

func showEvents(p *page, heading string, events []operator.Event) {
	if len(events) == 0 {
		return
	}
	p.heading(heading)
	several := slices.ContainsFunc(events, func(e operator.Event) bool { return e.Of != events[0].Of })
	var rows [][]string
	correlated := slices.ContainsFunc(events, func(e operator.Event) bool { return e.CorrelationID != "" })
	for _, e := range events {
		row := []string{at(e.At), e.What, e.Why}
		if correlated {
			row = slices.Insert(row, 2, dash(e.CorrelationID))
		}
		if several {
			row = slices.Insert(row, 1, e.Of)
		}
		rows = append(rows, row)
	}
	heads := []string{"AT", "WHAT", "WHY"}
	if correlated {
		heads = slices.Insert(heads, 2, "CORRELATION ID")
	}
	if several {
		heads = slices.Insert(heads, 1, "OF")
	}
	p.table("", heads, rows)
}

func showExplanation(p *page, e operator.Explanation) {
	for _, a := range e.Answers {
		p.heading(a.Question)
		for _, b := range a.Because {
			p.item(b)
		}
	}
	p.next(e.Next...)
}
