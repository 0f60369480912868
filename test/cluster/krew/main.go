// Command krew is krew itself: its version cannot be installed by name, since
// the module proxy has no list of versions for it.
package main

import "sigs.k8s.io/krew/cmd/krew/cmd"

func main() { cmd.Execute() }
