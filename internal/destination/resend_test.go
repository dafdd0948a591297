package destination

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestChunks(t *testing.T) {
	var batch []Item
	for _, size := range []int{3, 3, 3, 20, 1, 1, 1, 1, 1} {
		batch = append(batch, Item{JSON: []byte(strings.Repeat("x", size))})
	}
	var got []string
	for start, chunk := range Chunks(batch, 4, 10, 1) {
		got = append(got, fmt.Sprintf("%d+%d", start, len(chunk)))
	}
	if want := []string{"0+2", "2+1", "3+1", "4+4", "8+1"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for range Chunks(nil, 4, 10, 1) {
		t.Error("an empty batch has a chunk")
	}
	for start := range Chunks(batch, 1, 10, 1) {
		if start > 0 {
			t.Fatal("goes on after it was left")
		}
		break
	}
}

func TestResend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		batch := []Item{{JSON: []byte("a")}, {JSON: []byte("b")}, {JSON: []byte("c")}, {JSON: []byte("d")}}
		var sent []string
		note := func(items []Item) {
			text := ""
			for _, i := range items {
				text += string(i.JSON)
			}
			sent = append(sent, text)
		}
		left, err := Resend(t.Context(), batch, func(_ context.Context, items []Item) ([]int, error) {
			note(items)
			if len(items) == 4 {
				return []int{1, 3}, errDown
			}
			return []int{len(items) - 1}, errDown
		})
		if !slices.Equal(left, []int{3}) || !errors.Is(err, errDown) || !slices.Equal(sent, []string{"abcd", "bd", "d"}) {
			t.Errorf("left %v, sent %v, %v", left, sent, err)
		}
		sent = nil
		left, err = Resend(t.Context(), batch, func(_ context.Context, items []Item) ([]int, error) {
			note(items)
			if len(items) == 4 {
				return []int{0, 2}, errDown
			}
			return nil, errDown
		})
		if !slices.Equal(left, []int{0, 2}) || err == nil || len(sent) != 2 {
			t.Errorf("left %v, sent %v, %v", left, sent, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		left, err = Resend(ctx, batch, func(context.Context, []Item) ([]int, error) { return []int{2}, errDown })
		if !slices.Equal(left, []int{2}) || !errors.Is(err, errDown) {
			t.Errorf("left %v, %v", left, err)
		}
	})
}
