package restore

import (
	"strings"
	"testing"
	"time"
)

// Two restorations to the same second are of different versions, as when the share was written in that second: the second
// comes beside the first.
func TestEachRestorationHasAFolderOfItsOwn(t *testing.T) {
	w := newWorld(t)
	for n, folder := range []string{"restored-20261126T093000Z/", "restored-20261126T093000Z-2/"} {
		w.ask("share", then.Add(time.Duration(n)*time.Millisecond))
		w.run(20*time.Minute, w.once)
		if len(w.copied) != n+1 || !strings.Contains(w.copied[n], "/"+folder+" as of ") {
			t.Fatalf("copied: %q", w.copied)
		}
		if said := w.bus.Of("TenantRestored"); !strings.Contains(string(said[len(said)-1]), `"folder":"`+folder+`"`) {
			t.Errorf("it is said that %s", said)
		}
	}
}
