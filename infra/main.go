// Command infra writes the CDK assembly of one stage: the control plane, and the templates of the
// two kinds of host that the control plane creates stacks from while it runs.
//
// It reads STAGE (or the context value "stage"; "dev" when there is neither) and CDK_OUTDIR
// ("cdk.out" when it is not set), so it needs no CDK command line to synthesize.
package main

import (
	"fmt"
	"os"

	"github.com/aws/jsii-runtime-go"
)

func main() {
	err := synthesize(Assembly{
		StageName: os.Getenv("STAGE"),
		Outdir:    os.Getenv("CDK_OUTDIR"),
		CodeDir:   "dist",
	})
	jsii.Close()
	if err != nil {
		fmt.Fprintln(os.Stderr, "infra:", err)
		os.Exit(1)
	}
}
