// Command rdsalarm is the function that takes database hosts out of service while an alarm is on.
package main

import (
	"headroom/internal/function"
	"headroom/internal/hostalarm"
)

func main() { function.Run("rdsalarm", hostalarm.ReadEnvironment, build) }
