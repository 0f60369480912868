package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// registryProcess is distribution on loopback with a directory of its own.
type registryProcess struct {
	host, dir string
	cmd       *exec.Cmd
}

const registryConfig = `version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: %q, maxthreads: 100}, delete: {enabled: false}, maintenance: {uploadpurging: {enabled: false}}}
http: {addr: %q, relativeurls: true}
`

func startRegistry(program, dir string) (*registryProcess, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &registryProcess{host: l.Addr().String(), dir: dir}
	_ = l.Close()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "config.yml")
	if err := os.WriteFile(config, fmt.Appendf(nil, registryConfig, filepath.Join(dir, "data"), r.host), 0o644); err != nil {
		return nil, err
	}
	r.cmd = exec.Command(program, "serve", config)
	r.cmd.Env = append(os.Environ(), "OTEL_TRACES_EXPORTER=none")
	if err := r.cmd.Start(); err != nil {
		return nil, err
	}
	for range 200 {
		if resp, err := http.Get("http://" + r.host + "/v2/"); err == nil {
			_ = resp.Body.Close()
			return r, nil
		}
		time.Sleep(25 * time.Millisecond)
	}
	r.stop()
	return nil, fmt.Errorf("starting %s: it does not answer", program)
}

// stop ends the registry and removes what it stored.
func (r *registryProcess) stop() {
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait()
	_ = os.RemoveAll(r.dir)
}
