package nfsclient

import (
	"context"
	"fmt"
	"path"

	"github.com/willscott/go-nfs-client/nfs"
	"github.com/willscott/go-nfs-client/nfs/rpc"
)

// MakeFolder makes a folder, in one that is there.
func (c *Client) MakeFolder(ctx context.Context, name string) error {
	parent, err := c.lookup(ctx, path.Dir(path.Clean("/"+name)))
	if err != nil {
		return fmt.Errorf("make folder %s: %w", name, err)
	}
	_, err = c.call(ctx, &struct {
		rpc.Header
		Where nfs.Diropargs3
		Attr  nfs.Sattr3
	}{
		Header: c.nfs(nfs.NFSProc3Mkdir),
		Where:  nfs.Diropargs3{FH: parent, Filename: path.Base(name)},
		Attr:   nfs.Sattr3{Mode: nfs.SetMode{SetIt: true, Mode: 0o755}},
	})
	if err != nil {
		return fmt.Errorf("make folder %s: %w", name, err)
	}
	return nil
}

// Extent is a part of a file.
type Extent struct {
	Offset uint64 // bytes from the file's beginning
	Data   []byte
}

// WriteSparse makes a file of a size, which holds zeros but for what is written into them.
func (c *Client) WriteSparse(ctx context.Context, name string, size uint64, written ...Extent) error {
	if err := c.WriteFile(ctx, name, nil); err != nil {
		return err
	}
	handle, err := c.lookup(ctx, name)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	_, err = c.call(ctx, &struct {
		rpc.Header
		FH    []byte
		Attr  nfs.Sattr3
		Guard uint32 // 0: whatever its change time is
	}{c.nfs(nfs.NFSProc3SetAttr), handle, nfs.Sattr3{Size: nfs.SetSize{SetIt: true, Size: size}}, 0})
	if err != nil {
		return fmt.Errorf("stretch %s: %w", name, err)
	}
	for _, w := range written {
		if err := c.write(ctx, handle, w.Offset, w.Data); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return nil
}
