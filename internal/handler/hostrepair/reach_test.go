package hostrepair

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestNothingCanBeForced holds the handler to what it may ask for at all: no machine is ended but by its stack, no disk is
// taken by force, no gateway or share deleted.
func TestNothingCanBeForced(t *testing.T) {
	for name, test := range map[string]struct {
		of   reflect.Type
		want string
	}{
		"machines":       {reflect.TypeFor[machines](), "Attach/3 Attachment/1 Detach/2 DeleteVolume/1 FindVolumes/1 Keep/2 Look/1 Reboot/1 Size/1 Start/1 Stop/1 TagVolume/2"},
		"cloudFormation": {reflect.TypeFor[cloudFormation](), "Describe/1 Discard/2 Execute/3 Preview/2 Update/1"},
		"appliances":     {reflect.TypeFor[appliances](), "Import/2 Key/1"},
		"gateways":       {reflect.TypeFor[gateways](), "Activate/3 AddCache/1 CreateShare/1 FindMarked/2 Running/1 Shares/2"},
		"prober":         {reflect.TypeFor[prober](), "Null/1"},
	} {
		var got []string
		for i := range test.of.NumMethod() {
			m := test.of.Method(i)
			got = append(got, m.Name+"/"+string(rune('0'+m.Type.NumIn()-1))) // but for the context
		}
		want := strings.Fields(test.want)
		slices.Sort(got)
		if slices.Sort(want); !slices.Equal(got, want) {
			t.Errorf("%s can %v, and may %v", name, got, want)
		}
	}
}

func TestMessagesThatComeTwiceDoNothingTwice(t *testing.T) {
	for helps, tried := range map[string]string{"reboot": "reboot", "restart": "reboot restart", "nothing": "reboot restart machine"} {
		w := newWorld(t, 1)
		w.repairs.Double = true
		w.breaks(first, helps)
		reboots := 0
		w.mishap = func(operation string, after bool) {
			if after && operation == "Reboot" {
				reboots++
			}
		}
		w.run(3 * time.Hour)
		if w.inService(first); w.tried(first) != tried || reboots != 1 || len(w.said) != 1 {
			t.Errorf("helps %s: tried %s, rebooted %d times, said %q", helps, w.tried(first), reboots, w.said)
		}
	}
}

func TestMessagesThatComeLateDoNothing(t *testing.T) {
	w := newWorld(t, 1)
	var all []string
	w.breaks(first, "nothing")
	seen := map[string]bool{}
	w.mishap = func(string, bool) {
		for _, m := range w.repairs.Messages() {
			if !seen[m.ID] {
				seen[m.ID] = true
				all = append(all, m.Body)
			}
		}
	}
	w.run(2 * time.Hour)
	w.inService(first)
	w.mishap = nil
	made, version := w.made(), w.repair(first).Version
	for _, body := range slices.Backward(all) {
		w.must(w.handler(undisturbed).Message(t.Context(), delivery(body, w.now)))
	}
	w.run(10 * time.Minute)
	if w.inService(first); w.made() != made || w.repair(first).Version != version || len(all) < 50 {
		t.Errorf("of %d late messages came calls %s, and %d writes", len(all), strings.TrimPrefix(w.made(), made), w.repair(first).Version-version)
	}
}
