package pool

import (
	"strings"
	"testing"
	"time"
)

// given has a host's gateway be given up for another, which is called so.
func given(t *testing.T, h Host, r Repair, next string, at time.Time) Host {
	t.Helper()
	r.Proofs = []Proof{{Step: StepFence, At: at}}
	r.Seen.Gateway = h.Access.GatewayID()
	h = h.lose(r)
	h.Access.Gateway = "arn:aws:storagegateway:eu-west-1:123456789012:gateway/" + next
	return h
}

func TestWhatIsMissingIsOfGatewaysThatSaidNothingMore(t *testing.T) {
	h, r := lookedAt()
	first, second := r.Quiet.Add(time.Hour), r.Quiet.Add(50*time.Hour)
	r.Seen = LastLook{Gateway: "sgw-12A3456B"}.NameFailing(h.Slots[1], Failing{At: r.Quiet, FailingFiles: FailingFiles{Names: []string{"a"}, Count: 1}})
	h = given(t, h, r, "sgw-2", first)
	r.Seen.Named = nil
	h = given(t, h, r, "sgw-3", second)
	acme := Holding{Host: h.ID, Index: 2, Generation: 3}
	gateway := func(id string) string { return "arn:aws:storagegateway:eu-west-1:123456789012:gateway/" + id }
	for name, test := range map[string]struct {
		has    Holding
		tenant TenantID
		says   string
		want   []string
	}{
		"the present one says that all is uploaded": {acme, "acme", gateway("sgw-3"), []string{"sgw-12A3456B", "sgw-2"}},
		"the second had said so":                    {acme, "acme", gateway("sgw-2"), []string{"sgw-12A3456B"}},
		"the first had said so":                     {acme, "acme", gateway("sgw-12A3456B"), nil},
		"nobody says so":                            {acme, "acme", "", []string{"sgw-12A3456B", "sgw-2"}},
		"another tenant":                            {Holding{Host: h.ID, Index: 1, Generation: 1}, "globex", gateway("sgw-3"), []string{"sgw-12A3456B", "sgw-2"}},
		"a tenant that never had a share of them":   {acme, "initech", gateway("sgw-3"), nil},
		"a later generation":                        {Holding{Host: h.ID, Index: 2, Generation: 4}, "acme", gateway("sgw-3"), nil},
		"a free slot":                               {Holding{Host: h.ID, Index: 3, Generation: 1}, "", gateway("sgw-3"), nil},
		"another host":                              {Holding{Host: "share-standard-9", Index: 2, Generation: 3}, "acme", gateway("sgw-3"), nil},
	} {
		missing := h.Missing(test.has, test.tenant, test.says)
		var got []string
		for _, m := range missing {
			got = append(got, m.Gateway)
			if strings.Contains(m.What, "globex") || strings.Contains(m.What, "acme") {
				t.Errorf("%s: somebody is named in %q", name, m.What)
			}
		}
		if strings.Join(got, " ") != strings.Join(test.want, " ") {
			t.Errorf("%s: missing is what %v had, and not %v", name, got, test.want)
		}
	}
	missing := h.Missing(acme, "acme", "")
	golden(t, missing[0].What,
		"of what gateway sgw-12A3456B had acknowledged and not uploaded, of all of its shares together: how much is not known, because nothing was measured of it lately",
		"of this share a report named 1 file at 2026-11-02T09:00:00Z, as a, that failed to upload")
	if !missing[0].At.Equal(first) || !missing[1].At.Equal(second) || strings.Contains(missing[1].What, "report") {
		t.Errorf("missing is %+v", missing)
	}
}

func TestWhatNobodyHasAnyMoreIsForgotten(t *testing.T) {
	h, r := lookedAt()
	h = given(t, h, r, "sgw-2", r.Quiet)
	before := h.Clone()
	h.Slots[1].State, h.Slots[1].Generation, h.Slots[1].Tenant = SlotCooling, 4, ""
	if h.Losses = h.forgetLosses(); len(h.Losses) != 1 || len(h.Losses[0].Shares) != 1 || h.Losses[0].Shares[0].Tenant != "globex" {
		t.Errorf("known is %+v", h.Losses)
	}
	if len(before.Losses[0].Shares) != 2 {
		t.Error("the record of before was changed")
	}
	h.Slots = h.Slots[2:]
	if h = given(t, h, r, "sgw-3", r.Quiet); len(h.Losses) > 0 {
		t.Errorf("of nobody is known %+v", h.Losses)
	}
	h = before
	for n := range 2 * lossesKept {
		h = given(t, h, r, "sgw-"+strings.Repeat("1", n+3), r.Quiet.Add(time.Duration(n)*time.Hour))
	}
	if len(h.Losses) != lossesKept || !h.Losses[lossesKept-1].At.Equal(r.Quiet.Add((2*lossesKept-1)*time.Hour)) {
		t.Errorf("known are %d", len(h.Losses))
	}
}
