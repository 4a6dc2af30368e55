// Command poolcheck is the function that keeps the pools at the size that their policies ask for.
package main

import (
	"headroom/internal/function"
	"headroom/internal/handler/poolcheck"
)

func main() { function.Run("poolcheck", poolcheck.ReadEnvironment, build) }
