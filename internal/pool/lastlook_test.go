package pool

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// lookedAt is a host with a tenant, and one that leaves, whose gateway is silent since nine.
func lookedAt() (Host, Repair) {
	nine := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	h := Host{ID: "share-standard-1", Access: Access{Gateway: "arn:aws:storagegateway:eu-west-1:123456789012:gateway/sgw-12A3456B"}}
	h.Slots = []Slot{
		{Index: 1, Generation: 1, State: SlotAssigned, Tenant: "globex", Share: "share-1"},
		{Index: 2, Generation: 3, State: SlotLeaving, Tenant: "acme", Share: "share-2"},
		{Index: 3, Generation: 1, State: SlotFree, Share: "share-3"},
	}
	return h, Repair{Host: h.ID, Number: 1, Cache: "vol-1", Quiet: nine}
}

// golden wants a text to be as it was accepted, clause by clause.
func golden(t *testing.T, got string, want ...string) {
	t.Helper()
	if got != strings.Join(want, "; ") {
		t.Errorf("it says\n%s\nand not\n%s", strings.ReplaceAll(got, "; ", ";\n  "), strings.Join(want, ";\n  "))
	}
}

func TestWhatMayBeLostIsToldWithWhatWasSeenLast(t *testing.T) {
	const (
		what  = "what gateway sgw-12A3456B acknowledged and had not uploaded is not in the buckets: "
		since = ", and what was written since, which nobody knows"
		whose = "that may be the last writes of acme, globex"
		disk  = "the cache disk vol-1 has it, and is kept until a person says that it may go"
	)
	h, r := lookedAt()
	measured := r.Quiet.Add(-4 * time.Minute)
	look := LastLook{Gateway: "sgw-12A3456B", CacheGiB: 150, Unuploaded: Unuploaded{Dirty: 12.5, DirtyAt: measured, FailingAt: measured}}
	failing := func(names ...string) Failing {
		return Failing{Share: "share-2", At: r.Quiet.Add(-time.Hour), FailingFiles: FailingFiles{Names: names, Count: len(names)}}
	}
	for name, test := range map[string]struct {
		alter func(*Repair, *Host)
		want  []string
	}{
		"all of it is known": {
			func(r *Repair, _ *Host) { r.Seen = look },
			[]string{
				what + "up to 18.8 GiB, 12.5% of its cache of 150 GiB, when it was last measured, at 2026-11-02T08:56:00Z, 4m before it was found not to serve" + since,
				whose, "no file failed to upload at 2026-11-02T08:56:00Z", disk,
			},
		},
		"nobody has looked": {
			func(*Repair, *Host) {},
			[]string{what + "how much is not known, because nothing was measured of it lately", whose, "whether files failed to upload is not known", disk},
		},
		"nothing was measured": {
			func(r *Repair, _ *Host) { r.Seen = LastLook{Gateway: "sgw-12A3456B", CacheGiB: 150} },
			[]string{what + "how much is not known, because nothing was measured of it lately", whose, "whether files failed to upload is not known", disk},
		},
		"the look was at another gateway": {
			func(r *Repair, _ *Host) { r.Seen = look; r.Seen.Gateway = "sgw-99999999" },
			[]string{what + "how much is not known, because nothing was measured of it lately", whose, "whether files failed to upload is not known", disk},
		},
		"little was dirty": {
			func(r *Repair, _ *Host) { r.Seen = look; r.Seen.Dirty = 0.04 },
			[]string{
				what + "up to 62 MiB, less than 0.1% of its cache of 150 GiB, when it was last measured, at 2026-11-02T08:56:00Z, 4m before it was found not to serve" + since,
				whose, "no file failed to upload at 2026-11-02T08:56:00Z", disk,
			},
		},
		"it was clean when it was measured, and served": {
			func(r *Repair, _ *Host) { r.Seen = look; r.Seen.Dirty, r.Quiet = 0, time.Time{} },
			[]string{what + "nothing of its cache when it was last measured, at 2026-11-02T08:56:00Z" + since, whose, "no file failed to upload at 2026-11-02T08:56:00Z", disk},
		},
		"the disk is gone, and its size with it": {
			func(r *Repair, _ *Host) {
				r.Seen, r.Proofs = look, []Proof{{Step: StepDetach}}
				r.Seen.CacheGiB = 0
			},
			[]string{
				what + "12.5% of its cache, whose size is not known, when it was last measured, at 2026-11-02T08:56:00Z, 4m before it was found not to serve" + since,
				whose, "no file failed to upload at 2026-11-02T08:56:00Z", "the cache disk vol-1 is gone, and it is with it",
			},
		},
		"files failed to upload that no report names": {
			func(r *Repair, _ *Host) { r.Seen = look; r.Seen.Failing = 3 },
			[]string{
				what + "up to 18.8 GiB, 12.5% of its cache of 150 GiB, when it was last measured, at 2026-11-02T08:56:00Z, 4m before it was found not to serve" + since,
				whose, "3 files failed to upload at 2026-11-02T08:56:00Z, and which is not known: no report named them", disk,
			},
		},
		"a report names some of them": {
			func(r *Repair, h *Host) {
				r.Seen = look.NameFailing(h.Slots[1], failing("a (S3AccessDenied)", "b"))
				r.Seen.Failing = 3
			},
			[]string{
				what + "up to 18.8 GiB, 12.5% of its cache of 150 GiB, when it was last measured, at 2026-11-02T08:56:00Z, 4m before it was found not to serve" + since,
				whose, "of acme a report named 2 files at 2026-11-02T08:00:00Z, as a (S3AccessDenied), b",
				"3 in all failed to upload at 2026-11-02T08:56:00Z, and which the others are is not known", disk,
			},
		},
		"a report is all that is known": {
			func(r *Repair, h *Host) {
				r.Seen = LastLook{Gateway: "sgw-12A3456B"}.NameFailing(h.Slots[1], failing("a", "b", "c", "d"))
			},
			[]string{
				what + "how much is not known, because nothing was measured of it lately", whose,
				"of acme a report named 4 files at 2026-11-02T08:00:00Z, as a, b, c", disk,
			},
		},
		"nobody has a share of it": {
			func(r *Repair, h *Host) { r.Seen = look; h.Slots = h.Slots[2:] },
			[]string{
				what + "up to 18.8 GiB, 12.5% of its cache of 150 GiB, when it was last measured, at 2026-11-02T08:56:00Z, 4m before it was found not to serve" + since,
				"nobody's: no tenant had a share of it", "no file failed to upload at 2026-11-02T08:56:00Z", disk,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			h, r := h.Clone(), r.Clone()
			test.alter(&r, &h)
			golden(t, r.Loss(h), test.want...)
		})
	}
}

func TestTheLastReportOfAShareCounts(t *testing.T) {
	h, r := lookedAt()
	of := func(share string, ago time.Duration, names ...string) Failing {
		return Failing{Share: share, At: r.Quiet.Add(-ago), FailingFiles: FailingFiles{Names: names, Count: len(names)}}
	}
	l := LastLook{}.NameFailing(h.Slots[1], of("share-2", time.Hour, "old"), of("", time.Minute, "new"), of("share-9", 0, "another gateway's"), of("share-2", 0))
	if len(l.Named) != 1 || l.Named[0].Slot != 2 || l.Named[0].Tenant != "acme" || !slices.Equal(l.Named[0].Files.Names, []string{"new"}) {
		t.Errorf("named are %+v", l.Named)
	}
	if l = (LastLook{}).NameFailing(h.Slots[1]); len(l.Named) != 0 {
		t.Errorf("without a report %+v", l.Named)
	}
}

func TestALookKeepsWhatAnEarlierOneKnew(t *testing.T) {
	_, r := lookedAt()
	earlier := LastLook{
		Gateway: "sgw-1", Unuploaded: Unuploaded{Dirty: 5, DirtyAt: r.Quiet, Failing: 2, FailingAt: r.Quiet}, CacheGiB: 150, Named: []FailingShare{{Slot: 2}},
	}
	if l := (LastLook{Gateway: "sgw-1"}).Over(earlier); l.Unuploaded != earlier.Unuploaded || l.CacheGiB != 150 || len(l.Named) != 1 {
		t.Errorf("nothing could be learnt: %+v", l)
	}
	later := LastLook{Gateway: "sgw-1", Unuploaded: Unuploaded{Dirty: 7, DirtyAt: r.Quiet.Add(1), FailingAt: r.Quiet.Add(1)}, CacheGiB: 200}
	if l := later.Over(earlier); l.Unuploaded != later.Unuploaded || l.CacheGiB != 200 {
		t.Errorf("all could be learnt: %+v", l)
	}
	if l := (LastLook{Gateway: "sgw-2"}).Over(earlier); l.Dirty != 0 || l.CacheGiB != 0 || len(l.Named) != 0 {
		t.Errorf("of another gateway: %+v", l)
	}
}

func TestWhatWasMeasuredSaysWhetherACacheIsClean(t *testing.T) {
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		seen         Unuploaded
		fresh, clean bool
	}{
		"nothing":               {Unuploaded{}, false, false},
		"all is uploaded":       {Unuploaded{DirtyAt: now.Add(-19 * time.Minute)}, true, true},
		"some is not":           {Unuploaded{Dirty: 0.1, DirtyAt: now}, true, false},
		"a file can't be":       {Unuploaded{DirtyAt: now, Failing: 1, FailingAt: now}, true, false},
		"it was, some time ago": {Unuploaded{DirtyAt: now.Add(-20 * time.Minute)}, false, true},
	} {
		if test.seen.Fresh(now) != test.fresh || test.seen.Clean() != test.clean {
			t.Errorf("%s: fresh %v, clean %v", name, test.seen.Fresh(now), test.seen.Clean())
		}
	}
}
