package pool

import "strings"

// HostOfAlarm is the host that an alarm is of, by its name: "<prefix>share-standard-3-status", where the prefix is the stage's.
func HostOfAlarm(prefix, alarm string) (HostID, bool) {
	rest, ours := strings.CutPrefix(alarm, prefix)
	end := strings.LastIndex(rest, "-")
	if !ours || end < 0 {
		return "", false
	}
	id := HostID(rest[:end])
	_, _, err := id.Parse()
	return id, err == nil
}
