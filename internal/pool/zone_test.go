package pool

import "testing"

func TestHostsTakeTurnsInTheZones(t *testing.T) {
	zones := []Zone{{Name: "a", Subnet: "1"}, {Name: "b", Subnet: "2"}, {Name: "c", Subnet: "3"}}
	for _, test := range []struct {
		seq   int
		zones []Zone
		want  string
	}{
		{1, zones, "a"},
		{2, zones, "b"},
		{3, zones, "c"},
		{4, zones, "a"},
		{7, zones[:1], "a"},
		{1, nil, ""},
		{0, zones, ""}, // no host's number
	} {
		if got := ZoneOf(test.seq, test.zones, nil); got.Name != test.want {
			t.Errorf("host %d of %d zones: %q, want %q", test.seq, len(test.zones), got.Name, test.want)
		}
	}
}

func TestNoZoneHasMoreThanOneHostMoreThanAnother(t *testing.T) {
	zones := []Zone{{Name: "a"}, {Name: "b"}, {Name: "c"}}
	hosts := map[string]int{}
	for seq := 1; seq <= 100; seq++ {
		if gone := []string{"a", "b", "c", "b", "b"}[seq%5]; seq%3 == 0 && hosts[gone] > hosts["a"] { // one is retired where there are more
			hosts[gone]--
		}
		hosts[ZoneOf(seq, zones, hosts).Name]++
		least, most := hosts["a"], hosts["a"]
		for _, z := range zones {
			least, most = min(least, hosts[z.Name]), max(most, hosts[z.Name])
		}
		if most-least > 1 {
			t.Fatalf("after %d hosts: %v", seq, hosts)
		}
	}
}

func TestZonesThatSeemToFailAreAvoided(t *testing.T) {
	zones := []Zone{{Name: "a"}, {Name: "b"}, {Name: "c"}}
	for _, test := range []struct {
		failing []string
		want    string // zones of hosts 1 to 4
		said    bool
	}{
		{nil, "abca", false},
		{[]string{"d"}, "abca", false},
		{[]string{"b"}, "acac", true},
		{[]string{"a", "c"}, "bbbb", true},
		{[]string{"a", "b", "c"}, "abca", false},
	} {
		got := ""
		for seq := 1; seq <= 4; seq++ {
			z, avoided := ZoneBut(seq, zones, nil, test.failing)
			got += z.Name
			if (avoided != "") != test.said {
				t.Errorf("%v: said %q", test.failing, avoided)
			}
		}
		if got != test.want {
			t.Errorf("%v: zones %s, want %s", test.failing, got, test.want)
		}
	}
	if z, avoided := ZoneBut(1, nil, nil, []string{"a"}); z.Name != "" || avoided != "" {
		t.Errorf("where AWS chooses: %v, %q", z, avoided)
	}
}

func TestAHostIsPlacedWhereOthersWereRetired(t *testing.T) {
	zones := []Zone{{Name: "a"}, {Name: "b"}}
	if z := ZoneOf(5, zones, map[string]int{"a": 2}); z.Name != "b" {
		t.Errorf("hosts 1 and 3 are in a, and 5 in %s", z.Name)
	}
	if z, _ := ZoneBut(5, zones, map[string]int{"a": 2}, []string{"b"}); z.Name != "a" {
		t.Errorf("b fails, and 5 is in %s", z.Name)
	}
}
