package main

import (
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"

	"headroom/internal/function"
	"headroom/internal/function/archives"
	"headroom/internal/handler/auditcopy"
)

// build makes the handler with its adapters.
func build(cfg aws.Config, e auditcopy.Environment) (any, error) {
	ledger, err := function.Ledger(cfg, e.TableName)
	if err != nil {
		return nil, err
	}
	objects, err := archives.Objects(cfg)
	if err != nil {
		return nil, err
	}
	handler, err := auditcopy.New(auditcopy.Config{
		Ledger: ledger, Objects: objects, Bucket: e.Archives, Key: e.ArchiveKey,
		Metrics: function.Metrics(e.Stage), Log: slog.Default(), Now: function.Now,
	})
	if err != nil {
		return nil, err
	}
	return function.Batch(handler.Message), nil
}
