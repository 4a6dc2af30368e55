package announce_test

import (
	"strings"
	"testing"

	"headroom/internal/pool/inventory"
)

func TestWhatPutsTenantsAtRiskIsAPageAndTheRestATicket(t *testing.T) {
	a, _, topic, _ := speaking(t)
	found := []inventory.Finding{
		{Verdict: inventory.Drifted, Severity: inventory.Page, Sort: inventory.Shares, Of: "share-1", What: "share share-1 serves 10.0.0.9/32", Do: "headroom host show share-standard-1"},
		{Verdict: inventory.Orphaned, Severity: inventory.Ticket, Sort: inventory.Volumes, Of: "vol-1", What: "volume vol-1 is nobody's", Do: "headroom host list"},
		{Verdict: inventory.Missing, Severity: inventory.Page, Sort: inventory.Buckets, Of: "bucket-1", What: "bucket bucket-1 is not there", Do: "headroom host show share-standard-1"},
	}
	if err := a.InventoryDiffers(t.Context(), found); err != nil {
		t.Fatal(err)
	}
	notes := topic.Notes()
	if len(notes) != 2 {
		t.Fatalf("told %+v", notes)
	}
	for i, want := range [][]string{
		{"Severity: page", `"severity":"page"`, "share share-1 serves", "bucket bucket-1", "somebody may who should not"},
		{"Severity: ticket", `"severity":"ticket"`, "volume vol-1"},
	} {
		for _, w := range want {
			if !strings.Contains(notes[i].Message+notes[i].Data, w) {
				t.Errorf("message %d does not say %q: %s", i+1, w, notes[i].Message)
			}
		}
	}
	if strings.Contains(notes[1].Message, "share-1") {
		t.Errorf("told twice: %s", notes[1].Message)
	}
}
