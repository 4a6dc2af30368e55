package pool_test

import (
	"strings"
	"testing"
	"time"

	"headroom/internal/pool"
)

// target is a database that may be destroyed.
func target(t *testing.T) pool.Target {
	t.Helper()
	_, d := leaving(t, leaver())
	d.State = pool.DepartureScrubbing
	d.Archive = pool.Archive{Bucket: "archive", Key: string(d.ID()) + "/1.zip", VersionID: "v", SHA256: "aa", RetainUntil: noon.Add(1000 * time.Hour)}
	d.Proofs = []pool.Proof{{Step: pool.StepVerify, At: noon, What: "all is in it"}}
	c := pool.Clear(d, pool.Database, "next", noon)
	return pool.Target{
		What: "database", Name: "d_abc", Want: "d_abc", Mark: "m", WantMark: "m", Departure: d, Clearance: c,
		Slot: pool.Slot{Index: 2, Generation: 3, State: pool.SlotLeaving, Tenant: "acme"},
	}
}

func TestTheGuardLetsTheRightTargetBeDestroyed(t *testing.T) {
	if reasons := pool.Guard(target(t), noon.Add(2*time.Hour)); len(reasons) > 0 {
		t.Errorf("refused: %v", reasons)
	}
}

func TestTheGuardRefusesEveryWrongTarget(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*pool.Target)
		reason string
	}{
		"the stop switch is on":               {func(t *pool.Target) { t.Stops = pool.Stops{Destroy: true, By: "ops", Why: "drill"} }, "stop switch"},
		"the departure can be undone still":   {func(t *pool.Target) { t.Departure.State = pool.DepartureLeaving }, "is leaving"},
		"the departure is undone":             {func(t *pool.Target) { t.Departure.State = pool.DepartureUndone }, "is undone"},
		"grace is not over":                   {func(t *pool.Target) { t.Departure.Grace = 3 * time.Hour }, "grace lasts"},
		"a clearance of another departure":    {func(t *pool.Target) { t.Clearance.Departure = "acme.other" }, "belongs to departure acme.other"},
		"a clearance that is over":            {func(t *pool.Target) { t.Clearance.State = pool.ClearanceReturned }, "clearance is returned"},
		"a quarantined clearance":             {func(t *pool.Target) { t.Clearance.State = pool.ClearanceQuarantined }, "clearance is quarantined"},
		"nothing was archived":                {func(t *pool.Target) { t.Departure.Archive = pool.Archive{} }, "no archive"},
		"the archive was not verified":        {func(t *pool.Target) { t.Departure.Proofs = nil }, "verified by a step"},
		"the archive has no version":          {func(t *pool.Target) { t.Departure.Archive.VersionID = "" }, "no archive"},
		"the archive is not locked":           {func(t *pool.Target) { t.Departure.Archive.RetainUntil = time.Time{} }, "not locked"},
		"the archive's lock is over":          {func(t *pool.Target) { t.Departure.Archive.RetainUntil = noon }, "not locked"},
		"an archive of another generation":    {func(t *pool.Target) { t.Departure.Archive.Key = "acme.other/1.zip" }, "another departure"},
		"an archive of the next departure":    {func(t *pool.Target) { t.Departure.Archive.Key = string(t.Departure.ID()) + "-1/1.zip" }, "another departure"},
		"an archive of a tenant of like name": {func(t *pool.Target) { t.Departure.Archive.Key = "x" + string(t.Departure.ID()) + "/1.zip" }, "another departure"},
		"an archive without a checksum":       {func(t *pool.Target) { t.Departure.Archive.SHA256 = "" }, "no archive"},
		"a proof without evidence":            {func(t *pool.Target) { t.Departure.Proofs[0].What = "" }, "verified by a step"},
		"proof of another step":               {func(t *pool.Target) { t.Departure.Proofs[0].Step = pool.StepArchive }, "verified by a step"},
		"a tenant to whom nothing was given": {func(t *pool.Target) {
			t.Departure.Tenant.State, t.Departure.Archive = pool.TenantRequested, pool.Archive{}
		}, "no archive"},
		"another name":                          {func(t *pool.Target) { t.Name = "d_xyz" }, "is not the one"},
		"no name":                               {func(t *pool.Target) { t.Name, t.Want = "", "" }, "is not the one"},
		"a pattern":                             {func(t *pool.Target) { t.Name, t.Want = "d_*", "d_*" }, "root or a pattern"},
		"the root":                              {func(t *pool.Target) { t.Name, t.Want = "/", "/" }, "root or a pattern"},
		"a path that leaves its folder":         {func(t *pool.Target) { t.Name, t.Want = "a/../b", "a/../b" }, "root or a pattern"},
		"the folder above":                      {func(t *pool.Target) { t.Name, t.Want = "..", ".." }, "root or a pattern"},
		"a template":                            {func(t *pool.Target) { t.Name, t.Want = "template1", "template1" }, "root or a pattern"},
		"what the service keeps":                {func(t *pool.Target) { t.Name, t.Want = "rdsadmin", "rdsadmin" }, "root or a pattern"},
		"any one letter":                        {func(t *pool.Target) { t.Name, t.Want = "d_?bc", "d_?bc" }, "root or a pattern"},
		"SQL's pattern":                         {func(t *pool.Target) { t.Name, t.Want = "d_%", "d_%" }, "root or a pattern"},
		"a database of the server":              {func(t *pool.Target) { t.Name, t.Want = "postgres", "postgres" }, "root or a pattern"},
		"a foreign thing under the name":        {func(t *pool.Target) { t.Mark = "somebody else's" }, "bears the mark"},
		"a thing without a mark":                {func(t *pool.Target) { t.Mark = "" }, "bears the mark"},
		"a slot of the next generation":         {func(t *pool.Target) { t.Slot.Generation = 4 }, "generation 4"},
		"another slot":                          {func(t *pool.Target) { t.Slot.Index = 3 }, "slot is 3"},
		"a slot that is assigned again":         {func(t *pool.Target) { t.Slot.State = pool.SlotAssigned }, "slot is assigned"},
		"a slot that cools down":                {func(t *pool.Target) { t.Slot.State = pool.SlotCooling }, "slot is cooling"},
		"a quarantined slot":                    {func(t *pool.Target) { t.Slot.State = pool.SlotQuarantined }, "slot is quarantined"},
		"no slot":                               {func(t *pool.Target) { t.Slot = pool.Slot{} }, "slot is 0"},
		"a departure that is over":              {func(t *pool.Target) { t.Departure.State = pool.DepartureLeft }, "is left"},
		"a slot that is free":                   {func(t *pool.Target) { t.Slot.State = pool.SlotFree }, "slot is free"},
		"a slot of another tenant":              {func(t *pool.Target) { t.Slot.Tenant = "other" }, `of tenant "other"`},
		"a thing that another tenant holds too": {func(t *pool.Target) { t.Holders = []pool.TenantID{"other"} }, "held by tenant other"},
	} {
		t.Run(name, func(t *testing.T) {
			wrong := target(t)
			test.change(&wrong)
			if reasons := pool.Guard(wrong, noon.Add(2*time.Hour)); !strings.Contains(strings.Join(reasons, "; "), test.reason) {
				t.Errorf("reasons %v, want one about %q", reasons, test.reason)
			}
		})
	}
}
