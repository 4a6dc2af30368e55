package demo

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// A layout of the table of tenants: its heads, and a tenant's row.
type layout struct {
	heads []string
	row   func(Tenant) []string
}

// layouts, from the widest to the narrowest.
var layouts = []layout{
	{
		heads: []string{"TENANT", "INSTANCE", "READY AFTER", "DATABASE", "SHARE"},
		row:   func(t Tenant) []string { return []string{t.ID, t.Instance, took(t), t.Ready.Database.Name, share(t)} },
	},
	{
		heads: []string{"TENANT", "READY AFTER", "DATABASE", "SHARE"},
		row:   func(t Tenant) []string { return []string{t.ID, took(t), t.Ready.Database.Name, shortShare(t)} },
	},
}

// table shows what each tenant got, in the widest layout that fits; on a screen that is too narrow for
// each of them, in some lines a tenant.
func (p *Printer) table(tenants []Tenant) {
	waited := false
	for _, t := range tenants {
		waited = waited || t.Waited > 0
	}
	p.print("\n" + p.grid(tenants))
	if waited {
		p.print("\n")
		p.Text("As number n: on the waiting list, until more hosts were in service.")
	}
}

func (p *Printer) grid(tenants []Tenant) string {
	columns := p.screen.columns()
	for _, l := range layouts {
		rows := make([][]string, 0, len(tenants))
		for _, t := range tenants {
			rows = append(rows, l.row(t))
		}
		widths := make([]int, len(l.heads))
		for _, row := range append(rows, l.heads) {
			for i, cell := range row {
				widths[i] = max(widths[i], utf8.RuneCountInString(cell))
			}
		}
		width := 2 * (len(widths) - 1)
		for _, w := range widths {
			width += w
		}
		if columns > 0 && width > columns {
			continue
		}
		text := p.screen.in(bold, line(l.heads, widths)) + "\n"
		for _, row := range rows {
			text += line(row, widths) + "\n"
		}
		return text
	}
	var text strings.Builder
	for _, t := range tenants {
		fmt.Fprintf(&text, "%s  %s\n", p.screen.in(bold, t.ID), p.screen.fold("ready after "+took(t), len(t.ID)+2))
		fmt.Fprintf(&text, "  database %s\n  share %s\n", t.Ready.Database.Name, shortShare(t))
	}
	return text.String()
}

// line is a row of the table: its cells, two blanks between them.
func line(cells []string, widths []int) string {
	var text strings.Builder
	for i, cell := range cells {
		text.WriteString(cell)
		if i < len(cells)-1 {
			text.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
		}
	}
	return text.String()
}

func took(t Tenant) string {
	text := inWords(t.Took)
	if t.Waited > 0 {
		text += fmt.Sprintf(" as number %d", t.Waited)
	}
	return text
}

func share(t Tenant) string { return t.Ready.Share.Host + ":" + t.Ready.Share.Path }

// shortShare leaves the domain out, which all gateways share.
func shortShare(t Tenant) string {
	host, _, _ := strings.Cut(t.Ready.Share.Host, ".")
	return host + ":" + t.Ready.Share.Path
}
