package cli_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
)

// terminal opens a pair of a terminal's two sides: what is written to keyboard
// is typed, and what it gives is what is shown.
func terminal(t *testing.T) (keyboard, screen *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no terminals here:", err)
	}
	t.Cleanup(func() { _ = keyboard.Close() })
	n, err := unix.IoctlGetInt(int(keyboard.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(keyboard.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	screen, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = screen.Close() })
	return keyboard, screen
}

func echoes(t *testing.T, tty *os.File) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// signing is a command that asks for the password of a key.
func signing(s *site) []string {
	return []string{"bundle", "sign", s.writeFile("b", ""), "--key", s.writeFile("key", "no key"), "--password-stdin"}
}

func TestAPasswordIsAskedForOnATerminal(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	keyboard, tty := terminal(t)
	p := s.start("helm", func(c *exec.Cmd) { c.Stdin = tty }, signing(s)...)
	p.until(t, "question without echo", func() bool {
		return strings.Contains(p.said.String(), "Password of "+s.filePath("key")+": ") && !echoes(t, tty)
	})
	if _, err := keyboard.WriteString("hunter2\n"); err != nil {
		t.Fatal(err)
	}
	<-p.done
	if !echoes(t, tty) || p.ProcessState.ExitCode() != term.ExitError || !strings.Contains(p.said.String(), "opening bundle") {
		t.Errorf("exit %d, echo %t:\n%s", p.ProcessState.ExitCode(), echoes(t, tty), p.said.String())
	}
	if strings.Contains(p.said.String(), "hunter2") {
		t.Error("the password was shown")
	}
}

// Whoever presses Ctrl-C in place of a password sees again what is typed.
func TestAnInterruptedQuestionLeavesTheTerminalAsItWas(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			_, tty := terminal(t)
			p := s.start("helm", func(c *exec.Cmd) { c.Stdin = tty }, signing(s)...)
			p.until(t, "question without echo", func() bool {
				return strings.Contains(p.said.String(), "Password of ") && !echoes(t, tty)
			})
			took := p.interrupt(t, sig)
			if !echoes(t, tty) {
				t.Errorf("after %s nothing is shown any more", took)
			}
		})
	}
}
