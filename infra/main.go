// Command infra writes the CDK assembly of one stage: the control plane, and the templates of the
// two kinds of host that the control plane creates stacks from while it runs.
//
// It reads STAGE (or the context value "stage"; "dev" when there is neither), CDK_OUTDIR ("cdk.out" when it is
// not set), CODE_DIR, which holds the functions' programs ("dist", those for AWS, when it is not set), and
// CDK_DEFAULT_REGION, where the CDK's command line says what it deploys to; so it needs none to synthesize.
package main

import (
	"cmp"
	"fmt"
	"os"
	"time"

	"github.com/aws/jsii-runtime-go"
)

func main() {
	err := synthesize(Assembly{
		StageName:   os.Getenv("STAGE"),
		Outdir:      os.Getenv("CDK_OUTDIR"),
		CodeDir:     cmp.Or(os.Getenv("CODE_DIR"), "dist"),
		Authorities: Authorities{Dir: "dist", Region: os.Getenv("CDK_DEFAULT_REGION"), Now: time.Now()},
	})
	jsii.Close()
	if err != nil {
		fmt.Fprintln(os.Stderr, "infra:", err)
		os.Exit(1)
	}
}
