package dynamo

import (
	"time"

	"headroom/internal/pool"
)

// repairItem is the stored form of a host's repair, the present one or the last.
type repairItem struct {
	key
	deadline
	Form   int              `dynamodbav:"form"`
	Host   pool.HostID      `dynamodbav:"host"`
	Number int              `dynamodbav:"number"`
	Cause  string           `dynamodbav:"cause"`
	Began  time.Time        `dynamodbav:"began"`
	State  pool.RepairState `dynamodbav:"state"`
	progress
	Way      pool.Way     `dynamodbav:"way,omitempty"`
	Tried    []tryItem    `dynamodbav:"tried,omitempty"`
	Well     int          `dynamodbav:"well,omitempty"`
	Sign     *time.Time   `dynamodbav:"sign,omitempty"`
	Quiet    *time.Time   `dynamodbav:"quiet,omitempty"`
	Wanted   wantedItem   `dynamodbav:"wanted"`
	Consent  consentItem  `dynamodbav:"consent"`
	Asked    string       `dynamodbav:"asked,omitempty"`
	Machine  string       `dynamodbav:"machine,omitempty"`
	Root     string       `dynamodbav:"root,omitempty"`
	Cache    string       `dynamodbav:"cache,omitempty"`
	Image    string       `dynamodbav:"image,omitempty"`
	To       string       `dynamodbav:"to,omitempty"`
	Next     string       `dynamodbav:"next,omitempty"`
	NextRoot string       `dynamodbav:"nextRoot,omitempty"`
	Update   int          `dynamodbav:"update,omitempty"`
	Told     string       `dynamodbav:"told,omitempty"`
	Blind    string       `dynamodbav:"blind,omitempty"`
	Seen     *lastLook    `dynamodbav:"seen,omitempty"`
	Probe    *probeItem   `dynamodbav:"probe,omitempty"`
	Ended    []time.Time  `dynamodbav:"ended,omitempty"`
	Kept     []keptItem   `dynamodbav:"kept,omitempty"`
	Renewal  *renewalItem `dynamodbav:"renewal,omitempty"`
	Proofs   []proofItem  `dynamodbav:"proofs,omitempty"`
	History  []entryItem  `dynamodbav:"history"`
	Version  int64        `dynamodbav:"version"`
}

type lastLook struct {
	Gateway   string        `dynamodbav:"gateway"`
	Dirty     float64       `dynamodbav:"dirty,omitempty"`
	DirtyAt   *time.Time    `dynamodbav:"dirtyAt,omitempty"`
	Failing   int           `dynamodbav:"failing,omitempty"`
	FailingAt *time.Time    `dynamodbav:"failingAt,omitempty"`
	CacheGiB  int           `dynamodbav:"cacheGiB,omitempty"`
	Named     []namedOfLook `dynamodbav:"named,omitempty"`
}

type namedOfLook struct {
	Slot   int           `dynamodbav:"slot"`
	Tenant pool.TenantID `dynamodbav:"tenant"`
	Names  []string      `dynamodbav:"names"`
	Count  int           `dynamodbav:"count"`
	At     time.Time     `dynamodbav:"at"`
}

func encodeLastLook(l pool.LastLook) *lastLook {
	if l.Gateway == "" {
		return nil
	}
	i := &lastLook{Gateway: l.Gateway, Dirty: l.Dirty, DirtyAt: moment(l.DirtyAt), Failing: l.Failing, FailingAt: moment(l.FailingAt), CacheGiB: l.CacheGiB}
	for _, s := range l.Named {
		i.Named = append(i.Named, namedOfLook{Slot: s.Slot, Tenant: s.Tenant, Names: s.Files.Names, Count: s.Files.Count, At: s.At})
	}
	return i
}

func (i *lastLook) decode() pool.LastLook {
	if i == nil {
		return pool.LastLook{}
	}
	l := pool.LastLook{
		Gateway: i.Gateway, CacheGiB: i.CacheGiB,
		Unuploaded: pool.Unuploaded{Dirty: i.Dirty, DirtyAt: from(i.DirtyAt), Failing: i.Failing, FailingAt: from(i.FailingAt)},
	}
	for _, s := range i.Named {
		l.Named = append(l.Named, pool.FailingShare{Slot: s.Slot, Tenant: s.Tenant, Files: pool.FailingFiles{Names: s.Names, Count: s.Count}, At: s.At})
	}
	return l
}

type probeItem struct {
	Look     int        `dynamodbav:"look"`
	Share    string     `dynamodbav:"share,omitempty"`
	Task     string     `dynamodbav:"task,omitempty"`
	TaskAt   time.Time  `dynamodbav:"taskAt"`
	Address  string     `dynamodbav:"address,omitempty"`
	Closed   *time.Time `dynamodbav:"closed,omitempty"`
	Found    string     `dynamodbav:"found,omitempty"`
	Failures int        `dynamodbav:"failures,omitempty"`
	Failed   string     `dynamodbav:"failed,omitempty"`
}

type tryItem struct {
	Way  pool.Way  `dynamodbav:"way"`
	At   time.Time `dynamodbav:"at"`
	Came string    `dynamodbav:"came,omitempty"`
}

type wantedItem struct {
	By     string `dynamodbav:"by,omitempty"`
	Why    string `dynamodbav:"why,omitempty"`
	Image  string `dynamodbav:"image,omitempty"`
	Update bool   `dynamodbav:"update,omitempty"`
	Size   string `dynamodbav:"size,omitempty"`
}

type consentItem struct {
	By  string     `dynamodbav:"by,omitempty"`
	Why string     `dynamodbav:"why,omitempty"`
	Way pool.Way   `dynamodbav:"way,omitempty"`
	At  *time.Time `dynamodbav:"at,omitempty"`
}

type keptItem struct {
	Volume  string    `dynamodbav:"volume"`
	Until   time.Time `dynamodbav:"until"`
	Gateway string    `dynamodbav:"gateway,omitempty"`
	Dirty   bool      `dynamodbav:"dirty,omitempty"`
	Given   string    `dynamodbav:"given,omitempty"`
	Repair  int       `dynamodbav:"repair,omitempty"`
}

type renewalItem struct {
	Mark    string         `dynamodbav:"mark"`
	Side    string         `dynamodbav:"side,omitempty"`
	Cache   string         `dynamodbav:"cache,omitempty"`
	Gateway string         `dynamodbav:"gateway,omitempty"`
	Shares  []newShareItem `dynamodbav:"shares,omitempty"`
	Lost    string         `dynamodbav:"lost,omitempty"`
	Moved   bool           `dynamodbav:"moved,omitempty"`
}

type newShareItem struct {
	Index      int    `dynamodbav:"index"`
	Generation int    `dynamodbav:"generation"`
	Role       string `dynamodbav:"role,omitempty"`
	Share      string `dynamodbav:"share,omitempty"`
}

func encodeRenewal(n pool.Renewal) *renewalItem {
	if n.Mark == "" {
		return nil
	}
	i := &renewalItem{Mark: n.Mark, Side: n.Side, Cache: n.Cache, Gateway: n.Gateway, Lost: n.Lost, Moved: n.Moved}
	for _, s := range n.Shares {
		i.Shares = append(i.Shares, newShareItem(s))
	}
	return i
}

func (i *renewalItem) decode() pool.Renewal {
	if i == nil {
		return pool.Renewal{}
	}
	n := pool.Renewal{Mark: i.Mark, Side: i.Side, Cache: i.Cache, Gateway: i.Gateway, Lost: i.Lost, Moved: i.Moved}
	for _, s := range i.Shares {
		n.Shares = append(n.Shares, pool.NewShare(s))
	}
	return n
}

func repairKey(host pool.HostID) key { return key{hostPrefix + string(host), "REPAIR"} }

func encodeRepair(r pool.Repair) (item, error) {
	i := repairItem{
		key: repairKey(r.Host), deadline: deadlineOf(dueRepair, r.Due), Form: form, Host: r.Host, Number: r.Number, Cause: r.Cause, Began: r.Began,
		State: r.State, progress: encodeProgress(r.Progress), Way: r.Way, Well: r.Well, Sign: moment(r.Sign), Quiet: moment(r.Quiet), Wanted: wantedItem(r.Wanted),
		Consent: consentItem{By: r.Consent.By, Why: r.Consent.Why, Way: r.Consent.Way, At: moment(r.Consent.At)},
		Asked:   r.Asked, Machine: r.Machine, Root: r.Root, Cache: r.Cache, Image: r.Image, To: r.To, Next: r.Next, NextRoot: r.NextRoot, Update: r.Update, Told: r.Told, Blind: r.Blind,
		Seen: encodeLastLook(r.Seen), Ended: r.Ended, Renewal: encodeRenewal(r.Renewal), Proofs: encodeProofs(r.Proofs), History: encodeHistory(r.History), Version: r.Version,
	}
	if p := r.Probe; p != (pool.Probe{}) {
		i.Probe = &probeItem{
			Look: p.Look, Share: p.Share, Task: p.Task, TaskAt: p.TaskAt, Address: p.Address, Closed: moment(p.Closed), Found: p.Found, Failures: p.Failures, Failed: p.Failed,
		}
	}
	for _, t := range r.Tried {
		i.Tried = append(i.Tried, tryItem(t))
	}
	for _, k := range r.Kept {
		i.Kept = append(i.Kept, keptItem(k))
	}
	return encode(i)
}

func (i repairItem) repair() pool.Repair {
	r := pool.Repair{
		Host: i.Host, Number: i.Number, Cause: i.Cause, Began: i.Began, State: i.State, Progress: i.progress.decode(i.time()), Way: i.Way, Well: i.Well,
		Sign: from(i.Sign), Quiet: from(i.Quiet), Wanted: pool.Wanted(i.Wanted),
		Consent: pool.Consent{By: i.Consent.By, Why: i.Consent.Why, Way: i.Consent.Way, At: from(i.Consent.At)},
		Asked:   i.Asked, Machine: i.Machine, Root: i.Root, Cache: i.Cache, Image: i.Image, To: i.To, Next: i.Next, NextRoot: i.NextRoot, Update: i.Update, Told: i.Told, Blind: i.Blind,
		Seen: i.Seen.decode(), Ended: i.Ended, Renewal: i.Renewal.decode(), Proofs: decodeProofs(i.Proofs), History: decodeHistory(i.History), Version: i.Version,
	}
	if p := i.Probe; p != nil {
		r.Probe = pool.Probe{
			Look: p.Look, Share: p.Share, Task: p.Task, TaskAt: p.TaskAt, Address: p.Address, Closed: from(p.Closed), Found: p.Found, Failures: p.Failures, Failed: p.Failed,
		}
	}
	for _, t := range i.Tried {
		r.Tried = append(r.Tried, pool.Try(t))
	}
	for _, k := range i.Kept {
		r.Kept = append(r.Kept, pool.KeptDisk(k))
	}
	return r
}

// wardItem is a ward's stored form.
type wardItem struct {
	key
	Form     int           `dynamodbav:"form"`
	Patients []patientItem `dynamodbav:"patients,omitempty"`
	Begun    []time.Time   `dynamodbav:"begun,omitempty"`
	FailedAt *time.Time    `dynamodbav:"failedAt,omitempty"`
	Version  int64         `dynamodbav:"version"`
}

type patientItem struct {
	Host    pool.HostID `dynamodbav:"host"`
	Zone    string      `dynamodbav:"zone,omitempty"`
	Since   time.Time   `dynamodbav:"since"`
	Inside  bool        `dynamodbav:"inside,omitempty"`
	Planned bool        `dynamodbav:"planned,omitempty"`
	Update  bool        `dynamodbav:"update,omitempty"`
}

func wardKey(k pool.Key) key { return key{"POOL#" + k.String(), "WARD"} }

func encodeWard(w pool.Ward) (item, error) {
	i := wardItem{key: wardKey(w.Key), Form: form, Begun: w.Begun, FailedAt: moment(w.FailedAt), Version: w.Version}
	for _, p := range w.Patients {
		i.Patients = append(i.Patients, patientItem(p))
	}
	return encode(i)
}

func (i wardItem) ward(k pool.Key) pool.Ward {
	w := pool.Ward{Key: k, Begun: i.Begun, FailedAt: from(i.FailedAt), Version: i.Version}
	for _, p := range i.Patients {
		w.Patients = append(w.Patients, pool.Patient(p))
	}
	return w
}
