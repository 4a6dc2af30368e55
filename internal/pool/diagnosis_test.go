package pool_test

import (
	"strings"
	"testing"
	"time"

	"headroom/internal/pool"
)

func TestDiagnose(t *testing.T) {
	running := pool.MachineLook{State: pool.MachineRunning, Checks: pool.CheckOK}
	impaired := pool.MachineLook{State: pool.MachineRunning, Checks: pool.CheckImpaired}
	in := func(s pool.MachineState) pool.Findings { return pool.Findings{Machine: pool.MachineLook{State: s}} }
	for name, test := range map[string]struct {
		findings   pool.Findings
		well, wait bool
		what       string
	}{
		"well":                               {pool.Findings{Machine: running}, true, false, "answers"},
		"checks that say nothing yet":        {pool.Findings{Machine: pool.MachineLook{State: pool.MachineRunning, Checks: pool.CheckUnknown}}, true, false, "answers"},
		"a status check fails":               {pool.Findings{Machine: impaired}, false, false, "fails a status check"},
		"a status check fails, and silence":  {pool.Findings{Machine: impaired, Silent: "no route"}, false, false, "silent: no route"},
		"silence":                            {pool.Findings{Machine: running, Silent: "no route"}, false, false, "its machine runs, and its gateway is silent"},
		"a status check fails, and no sight": {pool.Findings{Machine: impaired, Unseen: "not connected"}, false, false, "fails a status check"},
		"silence, and no sight":              {pool.Findings{Machine: running, Silent: "no route", Unseen: "not connected"}, false, false, "its gateway is silent: no route"},
		"no sight of one that serves":        {pool.Findings{Machine: running, Unseen: "not connected"}, false, false, "it serves its clients, and uploads nothing: the region does not see it: not connected"},
		"no sight of one that is stopped":    {pool.Findings{Machine: pool.MachineLook{State: pool.MachineStopped}, Unseen: "not connected"}, false, false, "is stopped"},
		"no machine":                         {pool.Findings{}, false, false, "is gone"},
		"terminated":                         {in(pool.MachineTerminated), false, false, "is gone"},
		"shutting down":                      {in(pool.MachineShuttingDown), false, false, "is gone"},
		"stopped":                            {in(pool.MachineStopped), false, false, "is stopped"},
		"stopping":                           {in(pool.MachineStopping), false, true, "is stopping"},
		"starting":                           {in(pool.MachinePending), false, true, "is pending"},
		"the cache is gone, first of all":    {pool.Findings{Machine: running, Cache: "its cache disk is gone"}, false, false, "cache disk is gone"},
	} {
		d := pool.Diagnose(test.findings)
		if cut := strings.HasPrefix(name, "no sight of one that serves"); d.Cut != cut || d.Well != test.well || d.Wait != test.wait || !strings.Contains(d.What, test.what) {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

func TestTheLeastHarmfulWayIsChosen(t *testing.T) {
	drills := []pool.Drill{{From: "ami-1", To: "ami-2"}}
	hangs := pool.Findings{Machine: pool.MachineLook{State: pool.MachineRunning}, Silent: "no answer"}
	healthy := pool.Findings{Machine: pool.MachineLook{State: pool.MachineRunning}}
	in := func(s pool.MachineState) pool.Findings { return pool.Findings{Machine: pool.MachineLook{State: s}} }
	tried := func(ways ...pool.Way) pool.Repair {
		r := pool.Repair{Image: "ami-1"}
		for _, w := range ways {
			r.Tried = append(r.Tried, pool.Try{Way: w, Came: "nothing of " + string(w)})
		}
		return r
	}
	with := func(r pool.Repair, change func(*pool.Repair)) pool.Repair { change(&r); return r }
	word := func(w pool.Way) pool.Consent { return pool.Consent{Way: w, At: now} }
	over := func(r *pool.Repair) {
		r.Next, r.Root, r.Proofs = "i-2", "vol-root", []pool.Proof{{Step: pool.StepSeat}, {Step: pool.StepTakeOver}}
	}
	both := pool.Findings{Machine: pool.MachineLook{State: pool.MachineRunning, Disks: []pool.MachineDisk{{Volume: "vol-root"}}}, Silent: "no answer"}
	const reboot, restart, machine, gateway, resize = pool.WayReboot, pool.WayRestart, pool.WayMachine, pool.WayGateway, pool.WayResize
	for name, test := range map[string]struct {
		repair   pool.Repair
		findings pool.Findings
		drills   []pool.Drill
		way      pool.Way
		ask      bool
		why      string
	}{
		"it hangs":                              {tried(), hangs, drills, reboot, false, ""},
		"it hangs still":                        {tried(reboot), hangs, drills, restart, false, ""},
		"it is stopped":                         {tried(), in(pool.MachineStopped), drills, restart, false, ""},
		"it hangs for ever":                     {tried(reboot, restart), hangs, drills, machine, false, ""},
		"its machine is gone":                   {tried(), pool.Findings{}, drills, machine, false, ""},
		"its machine was terminated":            {tried(), in(pool.MachineTerminated), drills, machine, false, ""},
		"its machine is being ended":            {tried(), in(pool.MachineShuttingDown), drills, machine, false, ""},
		"no drill":                              {tried(reboot, restart), hangs, nil, machine, true, "no drill is recorded"},
		"a drill of another image":              {tried(reboot, restart), hangs, []pool.Drill{{From: "ami-0", To: "ami-2"}}, machine, true, "from image ami-1 to ami-2"},
		"a drill to another image":              {tried(reboot, restart), hangs, []pool.Drill{{From: "ami-1", To: "ami-3"}}, machine, true, "no drill"},
		"a drill the other way":                 {tried(reboot, restart), hangs, []pool.Drill{{From: "ami-2", To: "ami-1"}}, machine, true, "no drill"},
		"no drill, and the word was given":      {with(tried(reboot, restart), func(r *pool.Repair) { r.Consent = word(machine) }), hangs, nil, machine, false, ""},
		"the word was given for less":           {with(tried(reboot, restart), func(r *pool.Repair) { r.Consent = word(pool.WayRestart) }), hangs, nil, machine, true, ""},
		"the word gives the old gateway up":     {with(tried(reboot, restart), func(r *pool.Repair) { r.Consent = word(gateway) }), hangs, drills, gateway, false, ""},
		"the old gateway is fenced off":         {with(tried(gateway), func(r *pool.Repair) { r.Renewal.Mark = "x" }), hangs, drills, gateway, true, "fenced off"},
		"the new gateway was moved to":          {with(tried(gateway), func(r *pool.Repair) { r.Renewal = pool.Renewal{Mark: "x", Moved: true} }), hangs, drills, reboot, false, ""},
		"the word is no detour":                 {with(tried(), func(r *pool.Repair) { r.Consent = word(machine) }), hangs, nil, reboot, false, ""},
		"a new machine came to nothing":         {tried(reboot, restart, machine), in(pool.MachineStopped), drills, machine, true, "nothing of machine"},
		"once more, by word":                    {with(tried(machine), func(r *pool.Repair) { r.Consent = word(machine) }), in(pool.MachineStopped), drills, machine, false, ""},
		"a new machine that does not go on":     {with(tried(machine), func(r *pool.Repair) { r.Next = "i-2" }), hangs, drills, machine, true, "i-2 does not go on"},
		"a new machine that has run, and hangs": {with(tried(machine), func(r *pool.Repair) { over(r) }), hangs, drills, restart, false, ""},
		"and was restarted":                     {with(tried(machine, restart), func(r *pool.Repair) { over(r) }), hangs, drills, machine, true, "i-2 does not go on"},
		"and has the old root":                  {with(tried(machine), func(r *pool.Repair) { over(r) }), both, drills, machine, true, "i-2 does not go on"},
		"and is gone":                           {with(tried(machine), func(r *pool.Repair) { over(r) }), pool.Findings{}, drills, machine, true, "i-2 does not go on"},
		"a word that was used": {with(tried(machine), func(r *pool.Repair) {
			r.Consent = pool.Consent{Way: machine, At: now}
			r.Tried[0].At = now.Add(time.Second)
		}), in(pool.MachineStopped), drills, machine, true, "nothing of machine"},
		"a word that came after the try": {with(tried(machine), func(r *pool.Repair) {
			r.Consent = pool.Consent{Way: machine, At: now}
			r.Tried[0].At = now.Add(-time.Second)
		}), in(pool.MachineStopped), drills, machine, false, ""},
		"the cache is gone":                     {tried(), pool.Findings{Cache: "its cache is gone"}, drills, gateway, true, "its cache is gone"},
		"the cache is gone of a wish":           {with(tried(), func(r *pool.Repair) { r.Wanted.Image = "ami-2" }), pool.Findings{Cache: "its cache is gone"}, drills, gateway, true, "is lost"},
		"another image is wanted":               {with(tried(), func(r *pool.Repair) { r.Wanted.Image = "ami-9" }), hangs, nil, machine, false, ""},
		"another image is wanted, and failed":   {with(tried(machine), func(r *pool.Repair) { r.Wanted.Image = "ami-9" }), hangs, drills, machine, true, "nothing of machine"},
		"ill after another size":                {with(tried(resize), func(r *pool.Repair) { r.Wanted.Size = "m6i.2xlarge" }), hangs, nil, reboot, false, ""},
		"ill after another size, still":         {with(tried(resize, reboot), func(r *pool.Repair) { r.Wanted.Size = "m6i.2xlarge" }), hangs, nil, restart, false, ""},
		"ill after an update":                   {with(tried(pool.WayUpdate), func(r *pool.Repair) { r.Wanted.Update = true }), hangs, nil, reboot, false, ""},
		"an update is wanted":                   {with(tried(), func(r *pool.Repair) { r.Wanted.Update = true }), hangs, nil, pool.WayUpdate, false, ""},
		"an update is wanted, and failed":       {with(tried(pool.WayUpdate), func(r *pool.Repair) { r.Wanted.Update = true }), healthy, nil, pool.WayUpdate, true, "nothing of update"},
		"another size is wanted":                {with(tried(), func(r *pool.Repair) { r.Wanted.Size = "m6i.2xlarge" }), hangs, nil, resize, false, ""},
		"another size is wanted, and failed":    {with(tried(resize), func(r *pool.Repair) { r.Wanted.Size = "m6i.2xlarge" }), healthy, nil, resize, true, "nothing of resize"},
		"another size is wanted again, by word": {with(tried(resize), func(r *pool.Repair) { r.Wanted.Size, r.Consent = "m6i.2xlarge", word(resize) }), healthy, nil, resize, false, ""},
	} {
		c := pool.ChooseWay(test.repair, test.findings, test.drills, "ami-2")
		if c.Way != test.way || c.Ask != test.ask || !strings.Contains(c.Why, test.why) {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

func TestOneThatIsCutOffIsSparedButForAPersonsWord(t *testing.T) {
	cut := pool.Diagnosis{Cut: true}
	for name, test := range map[string]struct {
		repair pool.Repair
		spared bool
	}{
		"by itself":              {pool.Repair{}, true},
		"after a reboot":         {pool.Repair{Tried: []pool.Try{{Way: pool.WayReboot}}}, true},
		"another image":          {pool.Repair{Wanted: pool.Wanted{By: "jo", Image: "ami-2"}}, true},
		"an update":              {pool.Repair{Wanted: pool.Wanted{By: "jo", Update: true}}, false},
		"an update, done":        {pool.Repair{Wanted: pool.Wanted{By: "jo", Update: true}, Tried: []pool.Try{{Way: pool.WayUpdate}}}, true},
		"a word":                 {pool.Repair{Consent: pool.Consent{Way: pool.WayRestart, At: now}}, false},
		"a word that was used":   {pool.Repair{Consent: pool.Consent{Way: pool.WayRestart, At: now}, Tried: []pool.Try{{Way: pool.WayRestart, At: now}}}, true},
		"a gateway that is left": {pool.Repair{Renewal: pool.Renewal{Mark: "x"}, Tried: []pool.Try{{Way: pool.WayGateway}}}, false},
	} {
		if got := test.repair.Spares(cut); got != test.spared {
			t.Errorf("%s: %v", name, got)
		}
	}
	if (pool.Repair{}).Spares(pool.Diagnosis{}) {
		t.Error("one that is silent is spared")
	}
}

func TestARepairFlapsWhoseHostWasMendedOften(t *testing.T) {
	var r pool.Repair
	for _, ago := range []time.Duration{7 * time.Hour, 6 * time.Hour, 6*time.Hour - time.Second, time.Hour} {
		r.Ended = append(r.Ended, now.Add(-ago))
	}
	if r.Flapping(now) {
		t.Error("twice in six hours is flapping")
	}
	r.Ended = append(r.Ended, now)
	if !r.Flapping(now) {
		t.Error("thrice in six hours is not")
	}
}

func TestAGatewayIsSettledOnceTheOldRootIsOff(t *testing.T) {
	well := pool.Findings{Machine: pool.MachineLook{State: pool.MachineRunning, Disks: []pool.MachineDisk{{Volume: "vol-new", Root: true}}}}
	r := pool.Repair{Root: "vol-root", Next: "i-2"}
	if !r.Settled(well) {
		t.Error("it is not settled with its own disks")
	}
	well.Machine.Disks = append(well.Machine.Disks, pool.MachineDisk{Volume: "vol-root", Device: "/dev/sdf"})
	if r.Settled(well) {
		t.Error("it is settled with the old root at it")
	}
	if r.Next = ""; !r.Settled(well) {
		t.Error("a machine must have its own root")
	}
	if well.Silent = "no answer"; r.Settled(well) {
		t.Error("it is settled, and silent")
	}
}
