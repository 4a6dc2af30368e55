package postgresql

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// What a server takes of the disk, in bytes, measured on PostgreSQL 15: 36 MiB when it starts, with its five
// databases; 181 MiB with those of twenty tenants besides, of which an archive has a first copy with few of them, and
// 36 MiB of what making them has written. What tenants put into them comes on top.
const (
	clusterSize  = 10 << 20 // with its write-ahead log, without databases
	databaseSize = 8 << 20
	archiveSize  = clusterSize + 5*databaseSize + 36<<20
	serverSize   = clusterSize + 25*databaseSize + archiveSize
)

// NoRoomError means that the disk is too full for a server.
type NoRoomError struct {
	Dir          string
	Servers      int   // that there was to be room for
	Free, Needed int64 // bytes; needed beside what running servers will still take
}

func (e *NoRoomError) Error() string {
	servers := "a database server takes"
	if e.Servers != 1 {
		servers = fmt.Sprintf("%d database servers take", e.Servers)
	}
	return fmt.Sprintf("%s has %d MB free, and %s %d MB there: free some, or set TMPDIR to a place with more",
		e.Dir, max(e.Free, 0)>>20, servers, e.Needed>>20)
}

// Room returns a *NoRoomError unless there is room on the disk for so many servers more.
func (p *Program) Room(servers int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.room(servers)
}

// take reserves the room of a server.
func (p *Program) take(s *Server) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.room(1); err != nil {
		return err
	}
	p.servers[s] = true
	return nil
}

func (p *Program) giveBack(s *Server) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.servers, s)
}

// room looks whether the disk has room for so many servers, beside what those that are there will still take.
func (p *Program) room(servers int) error {
	dir := os.TempDir()
	left, err := p.free(dir)
	if err != nil {
		return err
	}
	for s := range p.servers {
		left -= s.growth()
	}
	if needed := int64(servers) * serverSize; left < needed {
		return &NoRoomError{Dir: dir, Servers: servers, Free: left, Needed: needed}
	}
	return nil
}

// growth is what a server will still take of the disk, with its archive: told by how many databases it has, and by
// what it has archived.
func (s *Server) growth() int64 {
	databases, err := os.ReadDir(filepath.Join(s.data(), "base"))
	if err != nil { // it is just being made
		return serverSize
	}
	growth := max(serverSize-archiveSize-clusterSize-int64(len(databases))*databaseSize, 0)
	if s.archive != nil {
		growth += max(archiveSize-s.archive.taken(), 0)
	}
	return growth
}

// free is how many bytes a folder's disk has for anybody.
func free(dir string) (int64, error) {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(dir, &disk); err != nil {
		return 0, fmt.Errorf("look how much is free in %s: %w", dir, err)
	}
	return int64(disk.Bavail) * disk.Bsize, nil
}
