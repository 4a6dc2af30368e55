package pool

import "testing"

func TestWhatIsOfferedNamesNoMachine(t *testing.T) {
	whole := Access{Address: "a", Gateway: "g", Appliance: "10.0.0.9", SecurityGroup: "sg-1", Machine: "i-1", Cache: "vol-1"}
	want := Access{Address: "a", Gateway: "g", SecurityGroup: "sg-1"}
	if got := whole.Offered(); got != want {
		t.Errorf("offered %+v", got)
	}
	if whole.Machine == "" {
		t.Error("the host's own record has lost its machine")
	}
}
