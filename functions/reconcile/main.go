// Command reconcile is the function that holds AWS against the ledger.
package main

import (
	"headroom/internal/function"
	"headroom/internal/handler/reconcile"
)

func main() { function.Run("reconcile", reconcile.ReadEnvironment, build) }
