// Command recovery is the function that makes the ledger true again.
package main

import (
	"headroom/internal/function"
	"headroom/internal/handler/recovery"
)

func main() { function.Run("recovery", recovery.ReadEnvironment, build) }
