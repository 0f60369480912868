package proc

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Spec is a process to start.
type Spec struct {
	Part string
	Path string
	Args []string
	// Env is added to the starter's environment.
	Env []string
	Dir string
	// Log takes both streams; it is appended to.
	Log string
	// Kill is copied to the Entry.
	Kill bool
	// DieWithParent ends the process when the thread that starts it ends, where
	// the system can (Linux). The caller keeps its goroutine locked to its
	// thread, else the process would die early.
	DieWithParent bool
	// Namespaces are clone flags for namespaces of its own (Linux).
	Namespaces uintptr
}

// Started is a process of which this program is still the parent.
type Started struct {
	Entry
	log  string
	done chan struct{}
}

// Start starts a process in a session of its own, so that a Ctrl-C meant for
// the starter does not reach it.
func Start(s Spec) (*Started, error) {
	log, err := os.OpenFile(s.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("starting %q: %w", s.Part, err)
	}
	defer log.Close()
	cmd := exec.Command(s.Path, s.Args...)
	// The name decides the part of a multi-call binary.
	cmd.Args[0] = filepath.Base(s.Path)
	cmd.Env = append(os.Environ(), s.Env...)
	cmd.Dir = s.Dir
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = attributes(s)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %q: %w", s.Part, err)
	}
	started, _, err := startTime(cmd.Process.Pid)
	if err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return nil, fmt.Errorf("starting %q: %w", s.Part, err)
	}
	p := &Started{
		Entry: Entry{Part: s.Part, PID: cmd.Process.Pid, Started: started, Kill: s.Kill},
		log:   s.Log,
		done:  make(chan struct{}),
	}
	go func() {
		_ = cmd.Wait() // reaps it; what it said is in the log
		close(p.done)
	}()
	return p, nil
}

// Err gives an error with the end of the log when the process has ended.
func (p *Started) Err() error {
	select {
	case <-p.done:
		return fmt.Errorf("%s ended early; the end of its log:\n%s", p.Part, tail(p.log, 15))
	default:
		return nil
	}
}

func tail(path string, lines int) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
