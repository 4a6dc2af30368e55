package main

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"

	"headroom/internal/adapter/awsclient"
	"headroom/internal/adapter/nfs"
	"headroom/internal/adapter/taskmetadata"
	"headroom/internal/function"
	"headroom/internal/handler/archivist"
)

// build makes the handler with its adapters.
func build(ctx context.Context, cfg aws.Config, e archivist.ProberEnvironment) (*archivist.Archivist, error) {
	address, err := taskmetadata.Client{HTTP: http.DefaultClient, Endpoint: e.Metadata, Sleep: awsclient.Sleep}.Address(ctx)
	if err != nil {
		return nil, err
	}
	return archivist.NewProber(archivist.Prober{
		Shares: &nfs.Client{Source: address}, Reports: function.Queues(cfg)(e.Reports), Address: address.String(), Log: slog.Default(),
		Now: function.Now, Sleep: awsclient.Sleep, Start: func(run func()) { go run() },
	})
}
