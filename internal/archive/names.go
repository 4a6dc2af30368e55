package archive

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// A key becomes a name in the zip that unpacks under its folder on Linux, macOS and Windows, and that says
// what the key was. A byte is escaped as "%" and two hexadecimal digits in capitals; three more signs begin
// with "%", which therefore is always escaped itself:
//
//	%_   a part between slashes that is empty
//	%-/  a part that is too long goes on in the next folder
//	%~   before a name that is flat: see flat
//
// So Key finds the key of every name, and no two keys have one name.
const (
	emptyPart = "%_"
	goesOn    = "%-"
	flatSign  = "%~"

	partMax  = 255 // bytes that a part of a path may have on the disks of today
	pieceMax = 248 // bytes of a piece of a part that is cut, with room for an escape and the sign
	keyMax   = 1024
)

// errName means that a name is none that this package makes.
var errName = errors.New("it is no name of an archive")

// Key finds the key that a name below share/ stands for.
func Key(name string) (string, error) {
	flatName := strings.HasPrefix(name, flatSign)
	name = strings.TrimPrefix(name, flatSign)
	var key strings.Builder
	for i := 0; i < len(name); i++ {
		if name[i] != '%' {
			key.WriteByte(name[i])
			continue
		}
		rest := name[i+1:]
		switch {
		case strings.HasPrefix(rest, "_") && (i == 0 || name[i-1] == '/') && (len(rest) == 1 || rest[1] == '/'):
			i++
		case strings.HasPrefix(rest, "-/") && len(rest) > 2:
			i += 2
		case len(rest) >= 2 && hexDigit(rest[0]) >= 0 && hexDigit(rest[1]) >= 0:
			key.WriteByte(byte(hexDigit(rest[0])<<4 | hexDigit(rest[1])))
			i += 2
		default:
			return "", fmt.Errorf("%q: %w", name, errName)
		}
	}
	if want := plain(key.String()); !flatName && name != want && name != strings.TrimSuffix(want, "/"+emptyPart)+"/" {
		return "", fmt.Errorf("%q: %w: the key's is %q", name, errName, want)
	}
	if flatName && flatSign+name != flat(key.String()) {
		return "", fmt.Errorf("%q: %w", flatSign+name, errName)
	}
	return key.String(), nil
}

func hexDigit(c byte) int { return strings.IndexByte("0123456789ABCDEF", c) }

// plain is the name that a key has when nothing stands against it: the key itself, where that can be.
func plain(key string) string {
	parts := strings.Split(key, "/")
	for i, part := range parts {
		parts[i] = safePart(part)
	}
	return strings.Join(parts, "/")
}

// folderName is plain for a key that ends in a slash and stands for a folder.
func folderName(key string) string { return plain(strings.TrimSuffix(key, "/")) + "/" }

// flat is the name of a key whose plain one would meet another's on some disk: in one part, all of it escaped
// but small letters, digits, "_" and "-". Two of them differ wherever capitals or normal forms count for
// nothing, and none is a plain one.
func flat(key string) string {
	units := []string{flatSign}
	for _, c := range []byte(key) {
		if 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '_' || c == '-' {
			units = append(units, string(rune(c)))
		} else {
			units = append(units, escape(c))
		}
	}
	return cut(units)
}

func escape(c byte) string { return fmt.Sprintf("%%%02X", c) }

// safePart escapes what of a part can't be in a file's name, or would be lost or mean something else: on
// Windows, "." and " " at the end are lost, some signs and names are taken, and backslash and colon lead
// elsewhere; unzip takes versions of VMS off; control characters and what turns the direction of writing deceive who reads a listing.
func safePart(part string) string {
	if part == "" {
		return emptyPart
	}
	var units []string
	unseen := folded(part) == "" // to HFS+ it is an empty part
	for rest := part; rest != ""; {
		r, size := utf8.DecodeRuneInString(rest)
		if r == utf8.RuneError && size == 1 || refused(r) || unseen {
			for _, c := range []byte(rest[:size]) {
				units = append(units, escape(c))
			}
		} else {
			units = append(units, rest[:size])
		}
		rest = rest[size:]
	}
	if last := len(units) - 1; units[last] == "." || units[last] == " " {
		units[last] = escape(units[last][0])
	}
	if at := version(units); at >= 0 {
		units[at] = escape(';')
	}
	if part == ".." {
		units[0] = escape('.')
	}
	if device(part) {
		units[0] = escape(part[0])
	}
	return cut(units)
}

// version finds the semicolon of what ends a name as a version's number on VMS, "name;1" or "name;", and -1 where none
// does: unzip takes it off, so that files which differ in nothing else would be one (unzip(1), option -V).
func version(units []string) int {
	at := len(units) - 1
	for at >= 0 && "0" <= units[at] && units[at] <= "9" {
		at--
	}
	if at >= 0 && units[at] != ";" {
		return -1
	}
	return at
}

func refused(r rune) bool {
	return r < 0x20 || r >= 0x7F && r < 0xA0 || strings.ContainsRune(`%<>:"|?*\`, r) ||
		r == 0x2028 || r == 0x2029 || r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069
}

// devices are names that Windows keeps for itself, in any folder and with any ending.
var devices = []string{
	"con", "prn", "aux", "nul", "conin$", "conout$",
	"com0", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9", "com¹", "com²", "com³",
	"lpt0", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9", "lpt¹", "lpt²", "lpt³",
}

func device(part string) bool {
	base, _, _ := strings.Cut(part, ".")
	return slices.Contains(devices, strings.ToLower(strings.TrimRight(base, " ")))
}

// cut joins what must not be torn apart, in pieces where it would be too long for one part.
func cut(units []string) string {
	if whole := strings.Join(units, ""); len(whole) <= partMax {
		return whole
	}
	var name, piece strings.Builder
	for i, unit := range units {
		if piece.Len()+len(unit) > pieceMax {
			name.WriteString(piece.String() + goesOn + "/")
			piece.Reset()
		}
		// The rest of a part can be a device, which the whole was not.
		if piece.Len() == 0 && i > 0 && len(unit) == 1 && device(strings.Join(units[i:], "")) {
			unit = escape(unit[0])
		}
		piece.WriteString(unit)
	}
	return name.String() + piece.String()
}
