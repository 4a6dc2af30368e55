package template

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// placeholder is ${Name}, ${Resource.Attribute}, or ${!literal}, which stands for ${literal}.
var placeholder = regexp.MustCompile(`\$\{(!?)([^}]*)\}`)

// substitution takes the argument of Fn::Sub apart.
func substitution(argument any) (text string, variables map[string]any) {
	if list, ok := argument.([]any); ok && len(list) == 2 {
		variables, _ = list[1].(map[string]any)
		argument = list[0]
	}
	text, _ = argument.(string)
	return text, variables
}

func placeholders(text string) []string {
	var found []string
	for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
		if m[1] == "" {
			found = append(found, m[2])
		}
	}
	return found
}

func (t *Template) substitute(scope Scope, argument any) (any, error) {
	text, variables := substitution(argument)
	var failure error
	result := placeholder.ReplaceAllStringFunc(text, func(found string) string {
		m := placeholder.FindStringSubmatch(found)
		if m[1] == "!" {
			return "${" + m[2] + "}"
		}
		var v any
		var err error
		if local, ok := variables[m[2]]; ok {
			v, err = t.evaluate(scope, local)
		} else if id, attribute, ok := strings.Cut(m[2], "."); ok {
			v, err = t.attribute(scope, id, attribute)
		} else {
			v, err = t.ref(scope, m[2])
		}
		if err != nil && failure == nil {
			failure = err
		}
		return Text(v)
	})
	return result, failure
}

// attributeOf takes the argument of Fn::GetAtt apart: a list of two, or "Resource.Attribute".
func attributeOf(argument any) (id, attribute string, err error) {
	switch a := argument.(type) {
	case string:
		id, attribute, _ = strings.Cut(a, ".")
		return id, attribute, nil
	case []any:
		if len(a) == 2 {
			return Text(a[0]), Text(a[1]), nil
		}
	}
	return "", "", fmt.Errorf("Fn::GetAtt wants a resource and an attribute")
}

func join(arguments []any) (any, error) {
	if len(arguments) == 2 {
		if list, ok := arguments[1].([]any); ok {
			parts := make([]string, len(list))
			for i, element := range list {
				parts[i] = Text(element)
			}
			return strings.Join(parts, Text(arguments[0])), nil
		}
	}
	return nil, fmt.Errorf("Fn::Join wants a delimiter and a list")
}

func split(arguments []any) (any, error) {
	if len(arguments) != 2 {
		return nil, fmt.Errorf("Fn::Split wants a delimiter and a string")
	}
	list := []any{}
	for part := range strings.SplitSeq(Text(arguments[1]), Text(arguments[0])) {
		list = append(list, part)
	}
	return list, nil
}

func pick(arguments []any) (any, error) {
	if len(arguments) == 2 {
		index, err := strconv.Atoi(Text(arguments[0]))
		list, ok := arguments[1].([]any)
		if err == nil && ok && index >= 0 && index < len(list) {
			return list[index], nil
		}
	}
	return nil, fmt.Errorf("Fn::Select cannot select element %s", Text(arguments))
}

func (t *Template) find(arguments []any) (any, error) {
	if len(arguments) == 3 {
		if v, ok := t.Mappings[Text(arguments[0])][Text(arguments[1])][Text(arguments[2])]; ok {
			return v, nil
		}
	}
	return nil, fmt.Errorf("Fn::FindInMap finds no %s", Text(arguments))
}

// cidr cuts the first count blocks with so many host bits from an IPv4 block.
func cidr(arguments []any) (any, error) {
	if len(arguments) < 2 {
		return nil, fmt.Errorf("Fn::Cidr wants a block and a count")
	}
	block, err := netip.ParsePrefix(Text(arguments[0]))
	if err != nil || !block.Addr().Is4() {
		return nil, fmt.Errorf("Fn::Cidr wants an IPv4 block, not %s", Text(arguments[0]))
	}
	count, err := strconv.Atoi(Text(arguments[1]))
	if err != nil {
		return nil, fmt.Errorf("Fn::Cidr wants a count, not %s", Text(arguments[1]))
	}
	bits := 8
	if len(arguments) > 2 {
		if bits, err = strconv.Atoi(Text(arguments[2])); err != nil {
			return nil, fmt.Errorf("Fn::Cidr wants a number of bits, not %s", Text(arguments[2]))
		}
	}
	if bits < 0 || 32-bits < block.Bits() || count > 1<<(32-bits-block.Bits()) {
		return nil, fmt.Errorf("%s holds no %d blocks of %d bits", block, count, bits)
	}
	start := block.Masked().Addr().As4()
	blocks := make([]any, count)
	for i := range blocks {
		var address [4]byte
		binary.BigEndian.PutUint32(address[:], binary.BigEndian.Uint32(start[:])+uint32(i)<<bits)
		blocks[i] = netip.PrefixFrom(netip.AddrFrom4(address), 32-bits).String()
	}
	return blocks, nil
}

func base64Of(v any) string { return base64.StdEncoding.EncodeToString([]byte(Text(v))) }

// zones are the availability zones of a region: three, as in most.
func zones(region string) []any { return []any{region + "a", region + "b", region + "c"} }
