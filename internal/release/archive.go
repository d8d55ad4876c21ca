package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"
)

func (b built) archiveName() string {
	if b.os == "windows" {
		return b.name() + ".zip"
	}
	return b.name() + ".tar.gz"
}

// archive packs the binary with what its licences want to come along. Names are in
// order, owners are nobody, modes are fixed and every time is the commit's.
func archive(src string, b built, inside map[string]*module) ([]byte, error) {
	files := map[string][]byte{}
	take := func(name, from string) (err error) {
		files[path.Join(b.name(), filepath.ToSlash(name))], err = os.ReadFile(from)
		return err
	}
	for _, name := range []string{"LICENSE", "README.md"} {
		if err := take(name, filepath.Join(src, name)); err != nil {
			return nil, err
		}
	}
	if err := take("DEPENDENCIES.md", filepath.Join(src, "docs", "DEPENDENCIES.md")); err != nil {
		return nil, err
	}
	for _, m := range inside {
		if m.path == ourselves {
			continue // its licence is at the top
		}
		for _, text := range m.texts {
			if err := take(filepath.Join("licences", m.path, text), filepath.Join(m.dir, text)); err != nil {
				return nil, err
			}
		}
	}
	for _, a := range assets {
		for _, text := range a.texts {
			if err := take(filepath.Join("licences", a.module, text), filepath.Join(inside[a.module].dir, text)); err != nil {
				return nil, err
			}
		}
	}
	binary := path.Join(b.name(), "stsleuth")
	if b.os == "windows" {
		binary += ".exe"
	}
	files[binary] = b.content

	pack := tarball
	if b.os == "windows" {
		pack = zipped
	}
	var out bytes.Buffer
	err := pack(&out, files, binary, b.time)
	return out.Bytes(), err
}

func mode(name, executable string) int64 {
	if name == executable {
		return 0o755
	}
	return 0o644
}

func tarball(w io.Writer, files map[string][]byte, executable string, at time.Time) error {
	gz, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	tw := tar.NewWriter(gz)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		h := &tar.Header{Name: name, Mode: mode(name, executable), Size: int64(len(files[name])), ModTime: at, Format: tar.FormatPAX}
		if err := tw.WriteHeader(h); err != nil {
			return err
		}
		if _, err := tw.Write(files[name]); err != nil {
			return err
		}
	}
	if err := tw.Close(); err != nil {
		return err
	}
	return gz.Close()
}

func zipped(w io.Writer, files map[string][]byte, executable string, at time.Time) error {
	zw := zip.NewWriter(w)
	zw.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestCompression)
	})
	for _, name := range slices.Sorted(maps.Keys(files)) {
		h := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: at.UTC()}
		h.SetMode(os.FileMode(mode(name, executable)))
		f, err := zw.CreateHeader(h)
		if err != nil {
			return err
		}
		if _, err := f.Write(files[name]); err != nil {
			return err
		}
	}
	return zw.Close()
}
