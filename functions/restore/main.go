// Command restore is the function that has tenants go back in time.
package main

import (
	"headroom/internal/function"
	"headroom/internal/handler/restore"
)

func main() { function.Run("restore", restore.ReadEnvironment, build) }
