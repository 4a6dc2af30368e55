package nfs

import (
	"fmt"
)

// Numbers of NFS 3 and its mount protocol (RFC 1813).
const (
	programMount = 100005
	mountMount   = 1
	nfsReaddir   = 16
	version3     = 3

	verifierSize   = 8
	attributesSize = 84
	pageSize       = 32 << 10
	pagesMost      = 100
)

// root3 lists a share by NFS 3.
func root3(c *conn, _, path string, most int) ([]string, error) {
	var mount encoder
	mount.opaque(path)
	d, err := c.call(programMount, version3, mountMount, mount)
	if err != nil {
		return nil, fmt.Errorf("mount it: %w", err)
	}
	if status := d.uint32(); status != 0 {
		return nil, fmt.Errorf("mount it: status %d", status)
	}
	root := string(d.opaque())
	if d.err != nil {
		return nil, fmt.Errorf("mount it: %w", d.err)
	}
	return list(most, func(cookie uint64, verifier []byte) (*decoder, error) {
		var e encoder
		e.opaque(root)
		e.uint64(cookie)
		e.fixed(verifier)
		e.uint32(pageSize)
		d, err := c.call(programNFS, version3, nfsReaddir, e)
		if err != nil {
			return nil, fmt.Errorf("read the root: %w", err)
		}
		status := d.uint32()
		if d.bool() {
			d.fixed(attributesSize)
		}
		if status != 0 {
			return nil, fmt.Errorf("read the root: status %d", status)
		}
		return d, nil
	}, func(d *decoder) (string, uint64) {
		d.uint64() // file ID
		name := string(d.opaque())
		return name, d.uint64()
	})
}

// list reads a folder page by page, until there are no more, or there are most of them. ask asks for a page and returns
// it from its verifier on; entry reads the name and the cookie of an entry.
func list(most int, ask func(cookie uint64, verifier []byte) (*decoder, error), entry func(*decoder) (string, uint64)) ([]string, error) {
	var names []string
	var cookie uint64
	verifier := make([]byte, verifierSize)
	for range pagesMost {
		d, err := ask(cookie, verifier)
		if err != nil {
			return nil, err
		}
		verifier = d.fixed(verifierSize)
		for d.bool() {
			var name string
			if name, cookie = entry(d); d.err == nil && name != "." && name != ".." {
				names = append(names, name)
			}
		}
		end := d.bool()
		if d.err != nil {
			return nil, fmt.Errorf("read the root: %w", d.err)
		}
		if end || len(names) >= most {
			return names[:min(len(names), most)], nil
		}
	}
	return nil, fmt.Errorf("read the root: %w: it does not end", errReply)
}
