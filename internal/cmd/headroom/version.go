package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is what the build recorded: the module's version, or its commit, and what it was built with.
func version() string {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return "(built without a version)"
	}
	return fmt.Sprintf("%s, %s %s/%s", build.Main.Version, build.GoVersion, runtime.GOOS, runtime.GOARCH)
}
