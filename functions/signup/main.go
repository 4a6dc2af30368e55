// Command signup is the function that gives new tenants their database and share.
package main

import (
	"headroom/internal/function"
	"headroom/internal/handler/signup"
)

func main() { function.Run("signup", signup.ReadEnvironment, build) }
