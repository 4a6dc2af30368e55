package archive

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// Verification says what is to be verified, and who wants to know of what is found.
type Verification struct {
	// Zip is the whole zip, read once, from first byte to last.
	Zip io.Reader
	// Manifest opens the manifest that lies beside the zip. It is read twice, beside the entries and beside the
	// zip's directory, so that neither must be held in memory.
	Manifest func() (io.ReadCloser, error)
	// ZipSHA256 and ManifestSHA256 are what the two had when they were written, in hexadecimal; "" is not compared.
	ZipSHA256, ManifestSHA256 string
	// Want, where there is one, is whose archive it must be. When it was made is not compared.
	Want *Header

	// Header, where there is one, is told whose archive this says to be, before all else.
	Header func(Header) error
	// Object, where there is one, is told of each object whose entry is as the manifest has it, by ascending key.
	Object func(Object, Content) error
	// Dump, where there is one, is given the dump to read, as pg_restore would; it need not read to its end. Only
	// when Verify is done is it proven that what it read was the dump.
	Dump func(Database, io.Reader) error
	// Table, where there is one, is told of each table, after the dump.
	Table func(Table) error
}

// Verified is an archive that is as its manifest has it.
type Verified struct {
	Header         Header
	Totals         Totals
	Entries        int64 // of the zip
	Bytes          int64 // of the zip
	ZipSHA256      string
	ManifestSHA256 string
}

// Verify reads a zip back and compares every byte of it with what its manifest says: each entry's name, size, CRC
// and SHA-256, local headers and directory, nothing missing and nothing more, and the manifest in the zip with
// the one beside it. What is wrong with them is a *Fault, with the place; errors of the streams and of who is told
// are returned as they are, so that an archive is not taken for damaged when it could not be read.
//
// It reads a stream, although zip readers rather look into the directory first: that of a tenant with millions
// of files has no bound in memory, ranged reads of it all over the zip are slow and many, and who goes by the
// directory never sees what lies between the entries.
func Verify(v Verification) (Verified, error) {
	z := newZipReader(v.Zip)
	header, totals, manifest, err := v.entries(z)
	if err != nil {
		return Verified{}, err
	}
	z.start = z.at
	if err := v.listings(z, manifest); err != nil {
		return Verified{}, err
	}
	if err := z.directory(); err != nil {
		return Verified{}, err
	}
	out := Verified{
		Header: header, Totals: totals, Entries: int64(z.count), Bytes: z.at,
		ZipSHA256: hexOf(z.whole), ManifestSHA256: manifest.SHA256,
	}
	if v.ZipSHA256 != "" && v.ZipSHA256 != out.ZipSHA256 {
		return Verified{}, fault("end", "the zip has the SHA-256 %s, and was written with %s", out.ZipSHA256, v.ZipSHA256)
	}
	return out, nil
}

// entries reads the entries beside the manifest, and the manifest's own entry last, whose content it returns.
func (v Verification) entries(z *zipReader) (Header, Totals, Content, error) {
	var manifest *ManifestReader
	size, err := v.manifest(func(m *ManifestReader) error {
		manifest = m
		if v.Want != nil {
			if err := m.Header().compare(*v.Want); err != nil {
				return err
			}
		}
		if v.Header != nil {
			if err := v.Header(m.Header()); err != nil {
				return err
			}
		}
		return m.each(func(item Item) error { return v.item(z, item) })
	})
	if err != nil {
		return Header{}, Totals{}, Content{}, err
	}
	own := Content{Name: ManifestName, Size: size, SHA256: manifest.SHA256()}
	if v.ManifestSHA256 != "" && v.ManifestSHA256 != own.SHA256 {
		return Header{}, Totals{}, Content{}, fault("manifest", "it has the SHA-256 %s, and was written with %s", own.SHA256, v.ManifestSHA256)
	}
	own.CRC32 = manifest.crc.Sum32()
	return manifest.Header(), manifest.Totals(), own, z.compare(own, nil)
}

// compare finds what makes a header that of another archive, be it of the same tenant's earlier life.
func (h Header) compare(want Header) error {
	for _, field := range []struct{ name, got, want string }{
		{"tenant", h.Tenant, want.Tenant},
		{"mark", h.Mark, want.Mark},
		{"share's mark", h.ShareMark, want.ShareMark},
		{"database's mark", h.DatabaseMark, want.DatabaseMark},
		{"bucket", h.Bucket, want.Bucket},
		{"attempt", h.Attempt, want.Attempt},
	} {
		if field.got != field.want {
			return fault("manifest, line 1", "the %s is %q, and should be %q", field.name, field.got, field.want)
		}
	}
	return nil
}

func (v Verification) item(z *zipReader, item Item) error {
	switch {
	case item.Table != nil:
		if v.Table != nil {
			return v.Table(*item.Table)
		}
		return nil
	case item.Database != nil:
		return z.compare(item.Content, func(content io.Reader) error {
			if v.Dump == nil {
				return nil
			}
			return v.Dump(*item.Database, content)
		})
	default:
		if err := z.compare(item.Content, nil); err != nil || v.Object == nil {
			return err
		}
		return v.Object(*item.Object, item.Content)
	}
}

// compare reads an entry and compares it with what it should hold. What is read by somebody else is summed up
// on its way.
func (z *zipReader) compare(c Content, reader func(io.Reader) error) error {
	sum, crc := sha256.New(), crc32.NewIEEE()
	return z.entry(c, func(content io.Reader) error {
		seen := io.TeeReader(io.LimitReader(content, c.Size), io.MultiWriter(sum, crc))
		if reader != nil {
			if err := reader(seen); err != nil {
				return err
			}
		}
		if _, err := io.Copy(io.Discard, seen); err != nil {
			return err
		}
		if got := hexOf(sum); got != c.SHA256 {
			return fault(c.Name, "it has the SHA-256 %s, and should have %s", got, c.SHA256)
		}
		if crc.Sum32() != c.CRC32 {
			return fault(c.Name, "it has the CRC %08x, and should have %08x", crc.Sum32(), c.CRC32)
		}
		return nil
	})
}

// listings reads the directory beside the manifest.
func (v Verification) listings(z *zipReader, own Content) error {
	var again *ManifestReader
	if _, err := v.manifest(func(m *ManifestReader) error {
		again = m
		return m.each(func(item Item) error {
			if item.Table != nil {
				return nil
			}
			return z.listing(item.Content)
		})
	}); err != nil {
		return err
	}
	if again.SHA256() != own.SHA256 {
		return fault("manifest", "it is another one now than a moment ago")
	}
	return z.listing(own)
}

// manifest opens the manifest, lets it be read, and returns how long it is.
func (v Verification) manifest(read func(*ManifestReader) error) (size int64, err error) {
	in, err := v.Manifest()
	if err != nil {
		return 0, fmt.Errorf("open the manifest: %w", err)
	}
	defer func() { _ = in.Close() }()
	all := &counted{in: in}
	m, err := NewManifestReader(all)
	if err != nil {
		return 0, err
	}
	if err := read(m); err != nil {
		return 0, err
	}
	return all.n, nil
}

// each hands on all items of a manifest, and then proves that it is whole.
func (m *ManifestReader) each(do func(Item) error) error {
	for {
		item, err := m.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := do(item); err != nil {
			return err
		}
	}
}
