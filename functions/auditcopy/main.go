// Command auditcopy is the function that copies the audit to where nobody can delete it.
package main

import (
	"headroom/internal/function"
	"headroom/internal/handler/auditcopy"
)

func main() { function.Run("auditcopy", auditcopy.ReadEnvironment, build) }
