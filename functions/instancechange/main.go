// Command instancechange is the function that lets other addresses than before in to tenants' shares.
package main

import (
	"headroom/internal/function"
	"headroom/internal/handler/instancechange"
)

func main() { function.Run("instancechange", instancechange.ReadEnvironment, build) }
