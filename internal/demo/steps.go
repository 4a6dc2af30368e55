package demo

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"headroom/internal/pool"
)

// stepWords says in a line which step of a tenant's way out is done, if that is what a line of a function's log says;
// else it is empty.
func stepWords(line string) string {
	var moved struct {
		Message, Departure, Clearance string
		Done, Next                    pool.Step
	}
	if json.Unmarshal([]byte(line), &moved) != nil {
		return ""
	}
	move := [2]pool.Step{moved.Done, moved.Next}
	switch moved.Message {
	case "departure moved on":
		return stepOf(moved.Departure, "", departureSteps, move)
	case "clearance moved on":
		departure, kind, _ := strings.Cut(moved.Clearance, "/")
		return stepOf(departure, kind, clearanceSteps, move)
	}
	return ""
}

// stepOf words one move; one without words of its own, such as one back, as it is.
func stepOf(departure, kind string, steps map[[2]pool.Step]string, move [2]pool.Step) string {
	words, known := steps[move]
	switch {
	case known && words == "":
		return ""
	case !known:
		words = fmt.Sprintf("after %s comes %s", move[0], cmp.Or(move[1], "nothing more"))
	}
	who := string(pool.DepartureID(departure).Tenant())
	if kind != "" {
		who += ", " + kind
	}
	return who + ": " + words
}

// departureSteps is what a departure has come to, by the step that is done and the next; empty where an event says it.
var departureSteps = map[[2]pool.Step]string{
	{pool.StepShut, pool.StepUpload}:    "its login, sessions, clients and firewall rules are gone",
	{pool.StepUpload, pool.StepArchive}: "its gateway says that all it wrote is in its bucket",
	{pool.StepArchive, pool.StepVerify}: "its files and a dump of its database are written into one zip",
	{pool.StepVerify, pool.StepLock}:    "the zip is read back and compared, and the dump restored, by other code",
	{pool.StepLock, pool.StepGrace}:     "the zip is locked; nothing is destroyed before the grace is over",
	{pool.StepGrace, pool.StepScrub}:    "nobody undid it; its slots are scrubbed, side by side",
	{pool.StepScrub, pool.StepCertify}:  "both slots are free again",
	{pool.StepReopen, ""}:               "",
	{pool.StepCertify, ""}:              "",
}

// clearanceSteps is what the clearance of a slot has come to, likewise. Each kind has some of them.
var clearanceSteps = map[[2]pool.Step]string{
	{pool.StepWithdraw, pool.StepCompare}: "the share is deleted",
	{pool.StepCompare, pool.StepEmpty}:    "the bucket holds what is archived, and nothing else",
	{pool.StepEmpty, pool.StepRemake}:     "every version, marker and upload is deleted",
	{pool.StepWithdraw, pool.StepRemake}:  "database and role are dropped",
	{pool.StepRemake, pool.StepProve}:     "made anew under another name, open to nobody",
	{pool.StepProve, pool.StepCool}:       "looked into twice, and nothing was found; now it rests",
	{pool.StepCool, ""}:                   "free again",
}
