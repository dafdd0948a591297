package audit

import (
	"context"
	"errors"
	"io"
	"testing"
)

// Delivering reads each file once, whether it is compressed or not, however many batches
// it takes and however often one fails.
func TestDeliveryReadsOnce(t *testing.T) {
	directory, now := t.TempDir(), noon
	o := options(directory, &now)
	o.FileBytes = 2 << 20
	l := open(t, o)
	const each = 6000
	fill := func(from int) {
		for n := from; n < from+each; n++ {
			record(t, l, call(n, true))
		}
		flush(t, l)
	}
	fill(0)
	l.busy.Wait()
	var got []uint64
	fails := false
	d := l.delivery("test", func(_ context.Context, b Batch) error {
		if fails = !fails; fails {
			return errors.New("away")
		}
		for _, line := range b.Lines {
			got = append(got, line.Sequence)
		}
		return nil
	})
	defer d.from.close()
	all := func() (batches int) {
		t.Helper()
		for {
			more, err := d.batch(t.Context())
			if err == nil && !more {
				return batches
			}
			if err == nil {
				batches++
			}
		}
	}
	batches := all()
	fill(each)
	l.busy.Wait()
	batches += all()
	if len(got) != 2*each || batches < 2*each/maxBatch {
		t.Fatalf("%d lines in %d batches", len(got), batches)
	}
	for i, n := range got {
		if n != uint64(i+1) {
			t.Fatalf("line %d is number %d", i, n)
		}
	}
	files, err := logFiles(directory)
	if err != nil || len(files) < 3 || !files[0].zipped() {
		t.Fatalf("%v, %v", files, err)
	}
	content := int64(0)
	for _, f := range files {
		file, err := f.open(directory)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, file)
		if err != nil {
			t.Fatal(err)
		}
		content += n
		file.Close()
	}
	if most := content + int64(batches)*lineBuffer; d.from.octets > most { // each batch may read ahead
		t.Errorf("%d octets were read of %d in %d batches", d.from.octets, content, batches)
	}
}
