//go:build windows

package bundle

import "golang.org/x/sys/windows"

// freeSpace is what the user may still write below dir.
func freeSpace(dir string) (int64, error) {
	p, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return -1, err
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(p, &free, nil, nil); err != nil {
		return -1, err
	}
	return int64(free), nil
}

// syncDir does nothing: a rename is durable once the file is.
func syncDir(string) error { return nil }
