package pool

import "strings"

// mendable are the ends of the names of a share host's alarms that a repair may end. What else a gateway's alarms say, that
// it can't upload or keep up, no new machine mends.
var mendable = []string{"-status", "-availability", "-health"}

// Ailing says whether a share host is out of service for a reason that a repair may mend, and for which: it is in doubt, or
// an alarm on its machine or gateway is on. One that is in repair already is none.
func Ailing(h Host) (cause string, ailing bool) {
	if h.Kind != Share || h.State != HostCordoned || h.Repair > 0 {
		return "", false
	}
	var why []string
	for _, name := range h.Alarmed() {
		for _, end := range mendable {
			if strings.HasSuffix(name, "-"+string(h.ID)+end) {
				why = append(why, "alarm "+name+" is on")
			}
		}
	}
	if h.Doubt != "" {
		why = append(why, h.Doubt)
	}
	return strings.Join(why, "; "), len(why) > 0
}
