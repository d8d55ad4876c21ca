//go:build unix

package audit

import (
	"errors"
	"os"
	"syscall"
)

// lock keeps a second process from writing into the same chain; the system
// frees it with the process.
func lock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errors.New("another process writes it: give every replica a file of its own")
	}
	return err
}
