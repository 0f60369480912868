//go:build !linux

package install

// Other systems know no network namespaces: a proxy that refuses stands
// between the tests and other addresses.
const inside, insideDist = "AISTOR_INSTALL_INSIDE", "AISTOR_INSTALL_DIST"

func isolated() (int, bool) { return 0, false }

func enter() error { return nil }
