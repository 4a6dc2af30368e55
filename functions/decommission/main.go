// Command decommission is the function that takes tenants out of their storage, and slots back into their pools.
package main

import (
	"headroom/internal/function"
	"headroom/internal/handler/decommission"
)

func main() { function.Run("decommission", decommission.ReadEnvironment, build) }
