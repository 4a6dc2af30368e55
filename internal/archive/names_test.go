package archive

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestNamesOfKeys(t *testing.T) {
	long := strings.Repeat("ä", 127) + "x" // 255 bytes
	for _, test := range []struct {
		name, key, want string
	}{
		{"a plain one", "a/b.txt", "a/b.txt"},
		{"any script", "日本語/العربية/हिन्दी 🙂", "日本語/العربية/हिन्दी 🙂"},
		{"the parent", "../../etc/passwd", "%2E%2E/%2E%2E/etc/passwd"},
		{"here", "./a/.", "%2E/a/%2E"},
		{"dots that are harmless", ".hidden/..a/...b", ".hidden/..a/...b"},
		{"absolute", "/etc/passwd", "%_/etc/passwd"},
		{"empty parts", "a//b", "a/%_/b"},
		{"a slash", "a/", "a/%_"},
		{"a drive", `C:\x`, "C%3A%5Cx"},
		{"control characters", "a\x00b\n\x7f\u0085", "a%00b%0A%7F%C2%85"},
		{"signs that Windows has taken", `<>:"|?*`, "%3C%3E%3A%22%7C%3F%2A"},
		{"what Windows loses", "a./b /c. .", "a%2E/b%20/c. %2E"},
		{"what unzip takes for a version of VMS", "a;1/b;/;;22/c;d/;1;e", "a%3B1/b%3B/;%3B22/c;d/;1;e"},
		{"devices", "con/NUL.txt/com1/context/aux .c", "%63on/%4EUL.txt/%63om1/context/%61ux .c"},
		{"the sign of escapes", "100%/%41", "100%25/%2541"},
		{"no UTF-8", "a\xff\xc3", "a%FF%C3"},
		{"a direction that deceives", "a\u202egpj.exe", "a%E2%80%AEgpj.exe"},
		{"as long as may be", long, long},
		{"too long", strings.Repeat("a", 300), strings.Repeat("a", 248) + "%-/" + strings.Repeat("a", 52)},
		{"too long, with a device at its end", strings.Repeat("a", 254) + "\x00\x00con", strings.Repeat("a", 248) + "%-/aaaaaa%00%00con"},
		{"too long, with a device left over", strings.Repeat("\x01", 82) + "aacon.abcdef", strings.Repeat("%01", 82) + "aa%-/%63on.abcdef"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := plain(test.key)
			if got != test.want {
				t.Errorf("%q is %q, want %q", test.key, got, test.want)
			}
			if key, err := Key(got); err != nil || key != test.key {
				t.Errorf("%q leads to %q, %v", got, key, err)
			}
		})
	}
}

func TestNamesThatMeetOnSomeDisk(t *testing.T) {
	for _, test := range []struct {
		name       string
		keys, want []string // by ascending key
	}{
		{"capitals", []string{"README", "Readme", "readme"}, []string{"README", "%~%52eadme", "%~readme"}},
		{"folders that differ in capitals lose nothing", []string{"A/x", "a/y"}, []string{"A/x", "a/y"}},
		{"files in such folders do", []string{"A/x", "a/x"}, []string{"A/x", "%~a%2Fx"}},
		{"normal forms", []string{"u\u0308", "ü"}, []string{"u\u0308", "%~%C3%BC"}},
		{"letters that fold to two", []string{"STRASSE", "straße"}, []string{"STRASSE", "%~stra%C3%9Fe"}},
		{"characters that are not seen", []string{"a.git", "a.g\u200cit"}, []string{"a.git", "%~a%2Eg%E2%80%8Cit"}},
		{"a file and a folder", []string{"a", "a/b"}, []string{"a", "%~a%2Fb"}},
		{"a file and a folder that differ in capitals", []string{"A/b", "a"}, []string{"A/b", "%~a"}},
		{"a folder and what is in it", []string{"a/", "a/b"}, []string{"a/", "a/b"}},
		{"two folders", []string{"A/", "a/"}, []string{"A/", "%~a%2F"}},
		{"escapes that differ in capitals", []string{"A\x01", "a\x01"}, []string{"A%01", "%~a%01"}},
		{"what looks like a flat name", []string{"%~a", "A", "a"}, []string{"%25~a", "A", "%~a"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			names := taken{}
			var got []string
			for _, key := range test.keys {
				got = append(got, names.name(Object{Key: key}))
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("%q are %q, want %q", test.keys, got, test.want)
			}
		})
	}
}

func TestADeepKeyIsFlat(t *testing.T) {
	names := taken{}
	deep := strings.Repeat("a/", 500) + "a"
	if got := names.name(Object{Key: deep, Size: 1}); !strings.HasPrefix(got, flatSign) {
		t.Errorf("got %.40q", got)
	}
	if len(names) != 0 {
		t.Errorf("%d names are remembered", len(names))
	}
}

func TestWhatIsNoNameIsRefused(t *testing.T) {
	for _, name := range []string{
		"%", "%4", "%zz", "%2e", "a%_", "%_a", "%-", "a%-/", "..", "../a", "a/../b", "/a", "", "a//b", "a\\b", "%41", "a.", "%~A", "%~a/b", "%~%61",
		"a%-/b", "con", "A\x00",
	} {
		if key, err := Key(name); err == nil {
			t.Errorf("%q leads to %q", name, key)
		}
	}
}

// keyParts lead into all that names have to do with.
var keyParts = []string{
	"", ".", "..", "a", "A", "ä", "a\u0308", "Ä", "con", "CON", "nul.txt", "x.", "x ", "%", "%41", "%_", "%-", "%~", "%~a", "\x00", "\xff", "C:", `\`,
	"ß", "SS", "ı", "I", "\u200d", "\u202e", "ﬁ", strings.Repeat("a", 255), strings.Repeat("\x01", 90), strings.Repeat("é", 127), strings.Repeat("b", 253) + ".",
}

// TestAPartThatNobodySeesIsEscaped: HFS+ passes over such characters, so a part of nothing else would be empty there.
func TestAPartThatNobodySeesIsEscaped(t *testing.T) {
	for key, want := range map[string]string{"/\u200d": "%_/%E2%80%8D", "a/\u200d\ufe0f/b": "a/%E2%80%8D%EF%B8%8F/b", "a\u200db": "a\u200db"} {
		got := taken{}.name(Object{Key: key, Size: 1})
		if back, err := Key(got); got != want || err != nil || back != key {
			t.Errorf("%q is named %q, which leads to %q, %v", key, got, back, err)
		}
	}
}

func TestNoTwoKeysHaveOneName(t *testing.T) {
	part := rapid.OneOf(rapid.SampledFrom(keyParts), rapid.StringN(0, 6, 12), rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 6), func(b []byte) string { return string(b) }))
	key := rapid.Map(rapid.SliceOfN(part, 1, 4), func(parts []string) string {
		joined := strings.Join(parts, "/")
		return joined[:min(len(joined), keyMax)]
	})
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfNDistinct(key.Filter(func(k string) bool { return k != "" }), 1, 30, rapid.ID[string]).Draw(t, "keys")
		slices.Sort(keys)
		names, files, folders := taken{}, map[string]string{}, map[string]bool{}
		for _, key := range keys {
			name := names.name(Object{Key: key, Size: rapid.Int64Range(0, 1).Draw(t, "size")})
			if back, err := Key(name); err != nil || back != key {
				t.Fatalf("%q of %q leads to %q, %v", name, key, back, err)
			}
			unpacks(t, name)
			path := folded(strings.TrimSuffix(name, "/"))
			if other, ok := files[path]; ok {
				t.Fatalf("%q and %q meet: %q", key, other, name)
			}
			files[path] = key
			if strings.HasSuffix(name, "/") {
				folders[path] = true
				delete(files, path) // a folder may have others in it
				files[path+"/"] = key
			}
			for i := range len(path) {
				if path[i] == '/' {
					folders[path[:i]] = true
				}
			}
		}
		for path, key := range files {
			if folders[path] {
				t.Fatalf("%q is a file and a folder", key)
			}
		}
	})
}

// unpacks fails the test where a name would not become a file under its folder, by its own name.
func unpacks(t *rapid.T, name string) {
	if !utf8.ValidString(name) || len(name) > 4000 {
		t.Fatalf("%q is no text, or too long", name)
	}
	for part := range strings.SplitSeq(strings.TrimSuffix(name, "/"), "/") {
		if part == "" || part == "." || part == ".." || len(part) > partMax || strings.HasSuffix(part, ".") || strings.HasSuffix(part, " ") ||
			strings.ContainsFunc(part, func(r rune) bool { return r < 0x20 || r == 0x7f || strings.ContainsRune(`<>:"|?*\`, r) }) || device(part) {
			t.Fatalf("%q has the part %q", name, part)
		}
	}
}
