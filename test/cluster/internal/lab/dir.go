package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Lab is what lab.json keeps about a cluster: enough for a later process to
// find, extend or stop it.
type Lab struct {
	// Dir is the absolute path of the cluster's directory.
	Dir string `json:"dir"`
	// Bin is the directory of the programs.
	Bin string `json:"bin"`
	// Self is the lab program, which is also the puller.
	Self string `json:"self"`
	// Host is the address the API server and the registries listen on.
	Host string `json:"host"`
	// Ports by the part that listens on them.
	Ports map[string]int `json:"ports"`
	// User may push to and pull from the private registry.
	User string `json:"user"`
	// Nodes is the number of simulated nodes, Platforms what they say they are,
	// in turns.
	Nodes     int      `json:"nodes"`
	Platforms []string `json:"platforms"`
	// Aliases are further registry host names that the nodes resolve, each to
	// "upstream" or "private".
	Aliases map[string]string `json:"aliases,omitempty"`
	// RealNode says that the node "real" was asked for.
	RealNode bool `json:"realNode,omitempty"`
	// Audit says that the API server writes down each request.
	Audit bool `json:"audit,omitempty"`
	// Number tells labs with a real node apart, for their addresses.
	Number int `json:"number,omitempty"`

	// dieWithParent ties the parts to the life of this process.
	dieWithParent bool
}

// Open reads the lab in a directory.
func Open(dir string) (*Lab, error) {
	data, err := os.ReadFile(filepath.Join(dir, "lab.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("opening lab %q: no cluster here\nhint: lab up --state %s", dir, dir)
	}
	if err != nil {
		return nil, fmt.Errorf("opening lab %q: %w", dir, err)
	}
	var file struct {
		Lab *Lab `json:"lab"`
	}
	if err := json.Unmarshal(data, &file); err != nil || file.Lab == nil {
		return nil, fmt.Errorf("opening lab %q: lab.json is not one: %w", dir, err)
	}
	return file.Lab, nil
}

// path gives a file of the lab's directory.
func (l *Lab) path(names ...string) string {
	return filepath.Join(append([]string{l.Dir}, names...)...)
}

// Program gives the path of a program by name.
func (l *Lab) Program(name string) string { return filepath.Join(l.Bin, name) }

// Kubeconfig is the file with the administrator's access.
func (l *Lab) Kubeconfig() string { return l.path("kubeconfig") }

// CAFile is the authority behind the private registry and the API server.
func (l *Lab) CAFile() string { return l.path("pki", "ca.crt") }

// PasswordFile holds the password of User, without a newline.
func (l *Lab) PasswordFile() string { return l.path("pki", "private-password") }

// LogFile is the log of a part.
func (l *Lab) LogFile(part string) string { return l.path("logs", part+".log") }

// VolumeDir is where simulated volumes are directories.
func (l *Lab) VolumeDir() string { return l.path("volumes") }

// Registry gives host:port of "upstream" or "private".
func (l *Lab) Registry(name string) string { return l.address(name) }

func (l *Lab) address(part string) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(l.Ports[part]))
}

func (l *Lab) apiURL() string { return "https://" + l.address("kube-apiserver") }

// Env gives the variables for commands that use the lab.
func (l *Lab) Env() (map[string]string, error) {
	token, err := os.ReadFile(l.path("pki", "admin-token"))
	if err != nil {
		return nil, fmt.Errorf("reading the lab's token: %w", err)
	}
	return map[string]string{
		"KUBECONFIG":            l.Kubeconfig(),
		"LAB_STATE":             l.Dir,
		"LAB_BIN":               l.Bin,
		"LAB_APISERVER":         l.apiURL(),
		"LAB_CA":                l.CAFile(),
		"LAB_TOKEN":             string(token),
		"UPSTREAM_REGISTRY":     l.address("upstream"),
		"PRIVATE_REGISTRY":      l.address("private"),
		"PRIVATE_CA":            l.CAFile(),
		"PRIVATE_USER":          l.User,
		"PRIVATE_PASSWORD_FILE": l.PasswordFile(),
	}, nil
}

// save writes lab.json and the file env, which a shell can source.
func (l *Lab) save() error {
	env, err := l.Env()
	if err != nil {
		return err
	}
	data, err := json.MarshalIndent(map[string]any{"lab": l, "env": env}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(l.path("lab.json"), append(data, '\n'), 0o600); err != nil {
		return err
	}
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(env)) {
		fmt.Fprintf(&text, "export %s='%s'\n", name, strings.ReplaceAll(env[name], "'", `'\''`))
	}
	text.WriteString("export PATH=\"$LAB_BIN:$PATH\"\n")
	return os.WriteFile(l.path("env"), []byte(text.String()), 0o600)
}
