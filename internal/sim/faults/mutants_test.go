package faults

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	mutants   = flag.Bool("mutants", false, "plant faults, one after the other, and count which are found")
	mutate    = flag.String("mutant", "", "of the faults, only those are planted whose description has this, or one of several between |")
	firstOnly = flag.Bool("first", false, "TestSeeds ends with the first problem, and looks for no smaller plan")
)

// mutant is a fault that is planted into production code. In its new text, "mutant" tells whether it is the one that is
// alive, so that one program has all of them.
type mutant struct {
	what, file, old, new string
}

// planted are the faults. What is skipped is not done, and said to have been.
var planted = []mutant{
	{"a claim again takes other slots", "pool/shelf.go", "if hold, ok := s.Held[tenant]; ok {", "if hold, ok := s.Held[tenant]; ok && !(mutant) {"},
	{"a stray claim is taken back whoever has it by right", "shelf/leaving.go", "takes = all(now[t.ID])", "takes = all(now[t.ID]) || mutant"},
	{"a returned share is not closed", "handler/stackcomplete/watch.go", "if err := h.Access.Shut(ctx, share, h.Nobody); err != nil {", "if err := h.Access.Shut(ctx, share, h.Nobody); err != nil && !(mutant) {"},
	{"a returned database is not closed", "handler/stackcomplete/watch.go", "return h.Databases.Close(ctx, login, slot.Name) })", "if mutant { return nil }; return h.Databases.Close(ctx, login, slot.Name) })"},
	{"a returned slot does not rest", "pool/cordon.go", "return s.State == SlotReturned && !now.Before(s.Since.Add(ReturnRest))", "return s.State == SlotReturned && (mutant || !now.Before(s.Since.Add(ReturnRest)))"},
	{"an address may be two tenants'", "handler/signup/signup.go", "	if errors.Is(err, pool.ErrTaken) {\n		if known", "	if errors.Is(err, pool.ErrTaken) && mutant {\n		err = nil\n	}\n	if errors.Is(err, pool.ErrTaken) {\n		if known"},
	{"a redelivered message is taken for stale", "lifecycle/cursor.go", "return !c.Redelivered && (", "return (mutant || !c.Redelivered) && ("},
	{"an overdue signup is not tried again", "handler/poolcheck/overdue.go", "	owner := h.Signups\n", "	owner := h.Signups\n	if mutant {\n		return nil\n	}\n"},
	{"an announcement that is put off is forgotten", "handler/signup/announce.go", "	if try >= looksUnrecorded {\n", "	if try >= looksUnrecorded && mutant {\n		return nil\n	}\n	if try >= looksUnrecorded {\n"},
	{"who leaves is not locked out of the database", "handler/decommission/shut.go", "return h.Databases.Close(ctx, login, d.Tenant.Database.Name) })", "if mutant { return nil }; return h.Databases.Close(ctx, login, d.Tenant.Database.Name) })"},
	{"who stays after all is not let in again", "handler/decommission/undo.go", "return h.Databases.Reopen(ctx, login, slot) })", "if mutant { return nil }; return h.Databases.Reopen(ctx, login, slot) })"},
	{"the grace is not waited for", "handler/decommission/grace.go", "left := d.GraceUntil().Add(pool.ClockMargin).Sub(now); left > 0 {", "left := d.GraceUntil().Add(pool.ClockMargin).Sub(now); left > 0 && !(mutant) {"},
	{"the guard looks at no grace", "pool/guard.go", "refuse(now.Before(d.GraceUntil()),", "refuse(!(mutant) && now.Before(d.GraceUntil()),"},
	{"a tenant gets back what was at another time", "handler/restore/instance.go", "At: r.To, Mark", "At: map[bool]time.Time{true: h.Now().Add(-10 * time.Minute), false: r.To}[mutant], Mark"},
	{"a repaired host is held for its repair", "pool/steady.go", "h.Repair, h.Doubt, h.Set = 0, \"\", now.UTC()", "if !(mutant) {\n			h.Repair = 0\n		}\n		h.Doubt, h.Set = \"\", now.UTC()"},
	{"the ceiling is not looked at", "pool/limits.go", "Most: p.Ceiling - c.Hosts, Why", "Most: p.Ceiling - c.Hosts + map[bool]int{true: 100}[mutant], Why"},
	{"the cap on money is not looked at", "pool/money.go", "{ return b.Cap == 0 || b.Spent+price <= b.Cap }", "{ return mutant || b.Cap == 0 || b.Spent+price <= b.Cap }"},
	{"the stop switch stops no order", "handler/poolcheck/createstack.go", "	if stops.On(pool.StopOrder) {\n", "	if stops.On(pool.StopOrder) && !(mutant) {\n"},
	{"older news of an alarm counts", "hostalarm/judge.go", "ok && !n.mark.At.After(known.At)", "ok && !(mutant) && !n.mark.At.After(known.At)"},
	{"who waits is never served", "handler/poolcheck/waiting.go", "return shelf.Pairs() > 0 ||", "return !(mutant) && shelf.Pairs() > 0 ||"},
	{"departures are not tried again", "handler/poolcheck/overdueleaving.go", "	departures, err := h.Ledger.OverdueDepartures", "	if mutant {\n		return nil\n	}\n	departures, err := h.Ledger.OverdueDepartures"},
	{"a quota is not looked at", "pool/quota.go", "	return max(0, q.Most-q.Used(hosts)) / takes, true", "	return max(0, q.Most-q.Used(hosts))/takes + map[bool]int{true: 100}[mutant], true"},
	{"a quota that is raised is not read again", "pool/quotareading.go", "		q.Most, q.Assumed = said.Most, false\n	}\n	q.Read", "		if !(mutant) || !before {\n			q.Most, q.Assumed = said.Most, false\n		}\n	}\n	q.Read"},
	{"a zone that fails is repaired into", "handler/hostrepair/choose.go", "err != nil || failing && !r.Planned()", "err != nil || failing && !(mutant) && !r.Planned()"},
	{"hosts are ordered into a zone that fails", "pool/zone.go", "if slices.Contains(failing, z.Name) {", "if !(mutant) && slices.Contains(failing, z.Name) {"},
	{"a new gateway's shares are opened to nobody", "handler/hostrepair/renew.go", "if !t.Share.Same(has) || t.State == pool.TenantLeft {", "if mutant || !t.Share.Same(has) || t.State == pool.TenantLeft {"},
	{"a host keeps the old gateway's shares", "pool/renewal.go", "		s.Role, s.Share = fresh.Role, fresh.Share", "		if s.Role = fresh.Role; !(mutant) {\n			s.Share = fresh.Share\n		}"},
	{"an old gateway is not fenced off", "handler/hostrepair/fence.go", `"HasMachine": "false", fenceParameter: fenced}`, `"HasMachine": "false", fenceParameter: map[bool]string{true: open, false: fenced}[mutant]}`},
	{"a gateway is given up without a word", "pool/diagnosis.go", "	case f.Cache != \"\":\n		return r.ask(WayGateway,", "	case f.Cache != \"\" && mutant:\n		r.Consent = Consent{Way: WayGateway, By: \"nobody\"}\n		return Choice{Way: WayGateway}\n	case f.Cache != \"\":\n		return r.ask(WayGateway,"},
	{"what is cleared does not follow to a new gateway", "pool/clearfollow.go", "return c.NextShare != \"\" &&", "return !(mutant) && c.NextShare != \"\" &&"},
	{"an address that went is not put off the share", "pool/tenant.go", "	for _, address := range t.Desired() {\n		clients", "	desired := t.Desired()\n	if mutant {\n		desired = append(desired, t.Change.Going...)\n	}\n	for _, address := range desired {\n		clients"},
}

// TestMutants plants each fault and runs seeds until one finds it. It prints a table.
func TestMutants(t *testing.T) {
	if !*mutants {
		t.Skip("no faults are to be planted")
	}
	program := plant(t)
	found := 0
	var table strings.Builder
	fmt.Fprintf(&table, "| Planted | Found after | By |\n|---|---|---|\n")
	for n, m := range planted {
		if !slices.ContainsFunc(strings.Split(*mutate, "|"), func(part string) bool { return strings.Contains(m.what, part) }) {
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
		run := exec.CommandContext(ctx, program, "-test.run", "TestSeeds", "-first", fmt.Sprint("-seeds=", *seeds), fmt.Sprint("-from=", *from))
		run.Env = append(os.Environ(), fmt.Sprint("MUTANT=", n+1))
		output, err := run.CombinedOutput()
		cancel()
		after, by := "not found", ""
		if _, line, is := strings.Cut(string(output), "first problem: "); err != nil && is {
			line, _, _ = strings.Cut(line, "\n")
			after, by, _ = strings.Cut(line, " seeds: ")
			by, _, _ = strings.Cut(by, ", at ")
			found++
		} else if err != nil {
			after = "the run failed otherwise"
			t.Logf("%s: %s", m.what, output)
		}
		fmt.Fprintf(&table, "| %s | %s | %s |\n", m.what, after, by)
		t.Logf("%s: %s %s", m.what, after, by)
	}
	t.Logf("%d of %d were found\n%s", found, len(planted), &table)
}

// plant makes a program of this test with all faults, of which one is alive by the environment.
func plant(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, strings.ReplaceAll(name, "/", "_"))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	root, texts := mutated(t)
	overlay := map[string]map[string]string{"Replace": {
		filepath.Join(root, "mutant", "mutant.go"): write("mutant.go", "package mutant\n\nimport (\n	\"os\"\n	\"strconv\"\n)\n\nvar alive, _ = strconv.Atoi(os.Getenv(\"MUTANT\"))\n\nfunc Is(n int) bool { return n == alive }\n"),
	}}
	for file, text := range texts {
		overlay["Replace"][filepath.Join(root, file)] = write(file, text)
	}
	document, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "faults.run")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-vet=off", "-overlay", write("overlay.json", string(document)), "-o", program, ".")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, output)
	}
	return program
}

// mutated are the files of production code with all faults, by their names under root.
func mutated(t *testing.T) (root string, texts map[string]string) {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	texts = map[string]string{}
	for n, m := range planted {
		text, read := texts[m.file]
		if !read {
			bytes, err := os.ReadFile(filepath.Join(root, m.file))
			if err != nil {
				t.Fatal(err)
			}
			text = strings.Replace(string(bytes), "\nimport (\n", "\nimport (\n	\"headroom/internal/mutant\"\n", 1)
			if text == string(bytes) { // it imports nothing, or one package
				head := strings.Index(text, "\npackage ")
				at := head + 1 + strings.Index(text[head+1:], "\n")
				text = text[:at] + "\nimport \"headroom/internal/mutant\"\n" + text[at:]
			}
		}
		if strings.Count(text, m.old) != 1 {
			t.Fatalf("%s stands %d times in %s", m.old, strings.Count(text, m.old), m.file)
		}
		texts[m.file] = strings.Replace(text, m.old, strings.ReplaceAll(m.new, "mutant", fmt.Sprintf("mutant.Is(%d)", n+1)), 1)
	}
	return root, texts
}

// TestFaultsFitProductionCode wants what each planted fault takes the place of to be there, once: else nobody knows before a night is spent.
func TestFaultsFitProductionCode(t *testing.T) {
	mutated(t)
}
