package endpoint

import (
	"net/url"
	"strconv"
	"strings"
)

// foldForm turns the flat parameters of a query call into maps and lists: "Tags.member.1.Key=a" and
// "Tag.1.Key=a" become a list under "Tags" and "Tag". The entries of a map
// ("Attributes.entry.1.key") become a map. All leaves are strings.
func foldForm(form url.Values) map[string]any {
	root := map[string]any{}
	for name, values := range form {
		if name == "Action" || name == "Version" || len(values) == 0 {
			continue
		}
		put(root, strings.Split(name, "."), values[0])
	}
	folded := map[string]any{}
	for name, value := range root {
		folded[name] = fold(name, value)
	}
	return folded
}

// put sets a leaf in a tree of maps. Where a name is both a leaf and a branch the branch wins.
func put(tree map[string]any, path []string, value string) {
	if len(path) == 1 {
		if _, branch := tree[path[0]].(map[string]any); !branch {
			tree[path[0]] = value
		}
		return
	}
	child, ok := tree[path[0]].(map[string]any)
	if !ok {
		child = map[string]any{}
		tree[path[0]] = child
	}
	put(child, path[1:], value)
}

// fold makes lists of maps with the keys 1 … n, and drops the element names that the query protocol
// puts between a list's name and its indexes: "member", "entry", or the list's name in the singular.
func fold(name string, value any) any {
	node, ok := value.(map[string]any)
	if !ok {
		return value
	}
	folded := make(map[string]any, len(node))
	for key, child := range node {
		folded[key] = fold(key, child)
	}
	if list, ok := asList(folded); ok {
		return list
	}
	if len(folded) == 1 {
		for key, child := range folded {
			list, ok := child.([]any)
			switch {
			case !ok:
			case key == "entry":
				return entries(list)
			case key == "member" || key+"s" == name || strings.TrimSuffix(key, "y")+"ies" == name:
				return list
			}
		}
	}
	return folded
}

func asList(node map[string]any) ([]any, bool) {
	list := make([]any, len(node))
	for key, child := range node {
		i, err := strconv.Atoi(key)
		if err != nil || i < 1 || i > len(node) {
			return nil, false
		}
		list[i-1] = child
	}
	return list, len(list) > 0
}

// entries makes a map of a list of {key, value} or {Name, Value}.
func entries(list []any) any {
	m := make(map[string]any, len(list))
	for _, e := range list {
		entry, ok := e.(map[string]any)
		if !ok {
			return list
		}
		key, ok := entry["key"].(string)
		if !ok {
			if key, ok = entry["Name"].(string); !ok {
				return list
			}
		}
		value, ok := entry["value"]
		if !ok {
			value = entry["Value"]
		}
		m[key] = value
	}
	return m
}
