// Command gatewayalarm is the function that takes share hosts out of service while an alarm is on.
package main

import (
	"headroom/internal/function"
	"headroom/internal/hostalarm"
)

func main() { function.Run("gatewayalarm", hostalarm.ReadEnvironment, build) }
