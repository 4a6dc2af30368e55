// Command stackcomplete is the function that makes hosts ready once their stacks are complete.
package main

import (
	"headroom/internal/function"
	"headroom/internal/handler/stackcomplete"
)

func main() { function.Run("stackcomplete", stackcomplete.ReadEnvironment, build) }
