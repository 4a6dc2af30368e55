// Command hostrepair is the function that mends share hosts, and changes hosts as operators want it.
package main

import (
	"headroom/internal/function"
	"headroom/internal/handler/hostrepair"
)

func main() { function.Run("hostrepair", hostrepair.ReadEnvironment, build) }
