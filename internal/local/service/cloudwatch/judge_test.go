package cloudwatch

import (
	"strings"
	"testing"
)

// The cases are those of CloudWatch's user guide: X breaches, 0 does not, - is missing.
func TestMissingDataAreTreatedAsCloudWatchSays(t *testing.T) {
	const retain = "retain"
	for _, test := range []struct {
		needed, periods int
		data            string
		missing         [4]string // missing, ignore, breaching, notBreaching
	}{
		{3, 3, "0 - X - X", [4]string{OK, OK, OK, OK}},
		{3, 3, "0 - - - -", [4]string{OK, OK, OK, OK}},
		{3, 3, "- - - - -", [4]string{InsufficientData, retain, Alarming, OK}},
		{3, 3, "0 X X - X", [4]string{Alarming, Alarming, Alarming, Alarming}},
		{3, 3, "- - X - -", [4]string{Alarming, retain, Alarming, OK}},
		{2, 3, "0 - X - X", [4]string{Alarming, Alarming, Alarming, Alarming}},
		{2, 3, "0 0 X 0 X", [4]string{Alarming, Alarming, Alarming, Alarming}},
		{2, 3, "0 - X - -", [4]string{OK, OK, Alarming, OK}},
		{2, 3, "- - - - 0", [4]string{OK, OK, Alarming, OK}},
		{2, 3, "- - - X -", [4]string{Alarming, retain, Alarming, OK}},
		// So that a first bad datum alone is no alarm yet.
		{3, 3, "- - - - X", [4]string{OK, retain, Alarming, OK}},
		{3, 3, "- - - X -", [4]string{OK, retain, Alarming, OK}},
		{1, 1, "X 0 0", [4]string{OK, OK, OK, OK}},
		{1, 1, "0 - X", [4]string{Alarming, Alarming, Alarming, Alarming}},
		{1, 1, "- - -", [4]string{InsufficientData, retain, Alarming, OK}},
	} {
		var values []*float64
		for mark := range strings.SplitSeq(test.data, " ") {
			switch mark {
			case "X":
				values = append(values, new(1.0))
			case "0":
				values = append(values, new(0.0))
			default:
				values = append(values, nil)
			}
		}
		for i, missing := range []string{missingIsMissing, missingIsIgnored, missingIsBreaching, missingIsNotBreaching} {
			r := rules{periods: test.periods, needed: test.needed, missing: missing, breaches: func(v float64) bool { return v > 0 }}
			if got := r.judge(values, retain); got != test.missing[i] {
				t.Errorf("%d of %d, %s, missing is %s: %s, want %s", test.needed, test.periods, test.data, missing, got, test.missing[i])
			}
		}
	}
}
