package plan

import "strings"

// Label names an object in a sentence: "pod ns/name" or "node name".
func (k ObjectKey) Label() string {
	name := k.Name
	if k.Namespace != "" {
		name = k.Namespace + "/" + name
	}
	return strings.ToLower(k.Kind) + " " + name
}

// WithoutVersion leaves the API version out: two writers may know two of them.
func (k ObjectKey) WithoutVersion() ObjectKey {
	k.APIVersion = ""
	return k
}

// ValuesName names the values that people edit to change what c renders.
func (c Change) ValuesName() string {
	if len(c.ValuesFiles) == 0 {
		return "the values of release " + c.Key()
	}
	return c.ValuesFiles[len(c.ValuesFiles)-1]
}

// releaseKey is the object for a release, by namespace/name; Helm keeps it in a
// Secret, but people know it as a release.
func releaseKey(key string) ObjectKey { return objectIn("Release", key) }

// storeKey is the object for an object store, by namespace/name.
func storeKey(key string) ObjectKey { return objectIn("ObjectStore", key) }

func objectIn(kind, key string) ObjectKey {
	namespace, name, _ := strings.Cut(key, "/")
	return ObjectKey{Kind: kind, Namespace: namespace, Name: name}
}

// operationName says what a change is, in a sentence.
func (c Change) operationName() string {
	if c.Revision > 0 {
		return "rollback"
	}
	return "upgrade"
}
