package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"headroom/internal/local/machine/postgresql"
	"headroom/internal/pool"
)

// BenchmarkRestore is how long a database takes to come back, by how much there is: until its instance is there as it was,
// which in AWS takes RDS's own time; the copy into the stand-in, which is Headroom's; and the moment in which the tenant
// can't connect, which does not depend on the size.
func BenchmarkRestore(b *testing.B) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	for _, megabytes := range []int{10, 100, 500} {
		b.Run(fmt.Sprintf("%d MB", megabytes), func(b *testing.B) {
			for b.Loop() {
				measure(b, megabytes)
			}
		})
	}
}

func measure(b *testing.B, megabytes int) {
	b.Helper()
	ctx := b.Context()
	p, program, authority := newServers(b)
	archive, err := program.NewArchive()
	check(b, err)
	b.Cleanup(func() { check(b, archive.Close()) })
	p.now = pool.Login{Host: postgresql.Host, Username: "headroom", Password: rand.Text()}
	config := postgresql.Config{Name: "now", Authority: authority, Master: p.now.Username, Password: p.now.Password, Archive: archive}
	server, err := program.Start(ctx, config)
	check(b, err)
	b.Cleanup(func() { check(b, server.Close()) })
	p.now.Port = server.Port()
	check(b, errors.Join(p.databases.Harden(ctx, p.now), p.databases.MakeSlot(ctx, p.now, slotName, slotMark, 4), p.databases.Open(ctx, p.now, slotName, p.tenant)))
	// Some 100 bytes a row, as the server has them.
	p.exec(b, p.now, "CREATE TABLE app.rows (id int PRIMARY KEY, what text)",
		fmt.Sprintf("INSERT INTO app.rows SELECT i, md5(i::text) || md5((-i)::text) FROM generate_series(1, %d) i", megabytes*1_000_000/115))
	check(b, archive.Backup(ctx, server))
	time.Sleep(10 * time.Millisecond)
	at := time.Now()
	time.Sleep(10 * time.Millisecond)
	p.exec(b, p.now, "DROP TABLE app.rows")
	check(b, archive.Ship(ctx, server))

	clock := stopwatch(b)
	config.Name, config.Archive = "then", nil
	restored, err := program.Restore(ctx, config, archive, at)
	check(b, err)
	b.Cleanup(func() { check(b, restored.Close()) })
	clock("instance-s")
	p.then = p.now
	p.then.Port = restored.Port()
	check(b, p.databases.Close(ctx, p.then, slotName))
	p.serve(b)
	job := p.prepare(b)
	clock = stopwatch(b)
	if report := p.task(b, job); report.Proof == "" {
		b.Fatalf("got %+v", report)
	}
	clock("copy-s")
	check(b, p.databases.Swap(context.WithoutCancel(ctx), p.now, p.slot, p.standIn, p.kept))
	clock("swap-s")
	b.ReportMetric(0, "ns/op")
}

// stopwatch reports how long it is since it was asked last.
func stopwatch(b *testing.B) func(unit string) {
	last := time.Now()
	return func(unit string) {
		now := time.Now()
		b.ReportMetric(now.Sub(last).Seconds(), unit)
		last = now
	}
}
