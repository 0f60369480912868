package term

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
)

// ReadPassword reads the password of whoever is named from standard input: its
// first line, which a terminal does not show.
func (p *Program) ReadPassword(whose string) (string, error) {
	if f, ok := Unwrap(p.In).(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return p.askPassword(f, whose)
	}
	text, err := bufio.NewReader(p.In).ReadString('\n')
	if err != nil && err != io.EOF {
		return "", err
	}
	return strings.TrimRight(text, "\r\n"), nil
}

// askPassword asks on a terminal, and leaves it as it was, also when the user
// ends the program in place of an answer.
func (p *Program) askPassword(f *os.File, whose string) (string, error) {
	fd := int(f.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("reading the terminal's settings: %w", err)
	}
	fmt.Fprint(p.ErrOut, message.Sprintf("Password of %s: ", whose))
	defer fmt.Fprintln(p.ErrOut)
	type answer struct {
		text []byte
		err  error
	}
	done := make(chan answer, 1)
	go func() {
		text, err := term.ReadPassword(fd)
		done <- answer{text, err}
	}()
	select {
	case a := <-done:
		return string(a.text), a.err
	case <-p.interrupted:
		_ = term.Restore(fd, before)
		return "", ErrAbandoned
	}
}
