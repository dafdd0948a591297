package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"time"
)

// printMachine measures what the machine itself can do, which bounds whatever
// runs on it.
func printMachine() error {
	syncs, err := syncRate(time.Second)
	if err != nil {
		return err
	}
	requests, err := requestRate(2 * time.Second)
	if err != nil {
		return err
	}
	fmt.Printf("machine: %d cores, %s, %s\n", runtime.GOMAXPROCS(0), runtime.GOARCH, runtime.Version())
	fmt.Printf("  fsync of 4 KiB appended %8.0f a second, one after the other\n", syncs)
	fmt.Printf("  HTTP ceiling            %8.0f requests/s: net/http reading and answering JSON, 64 connections\n", requests)
	return nil
}

// syncRate appends pages to a file and has each made durable.
func syncRate(length time.Duration) (float64, error) {
	f, err := os.CreateTemp("", "heliograph-load-")
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	page := bytes.Repeat([]byte{'x'}, 4096)
	n, began := 0, time.Now()
	for ; time.Since(began) < length; n++ {
		if _, err := f.Write(page); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
	}
	return float64(n) / time.Since(began).Seconds(), nil
}

// requestRate has the clients of the measurements call a server that does nothing
// but read and write JSON.
func requestRate(length time.Duration) (float64, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in map[string]string
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = json.Unmarshal(body, &in)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		out, _ := json.Marshal(map[string]string{"MessageId": in["DestinationPhoneNumber"]})
		w.Header()["Content-Type"] = []string{"application/x-amz-json-1.0"}
		w.Write(out)
	})}
	go server.Serve(l)
	defer server.Close()
	one := load{clients: 64, length: length}
	clients, err := one.dial(ceiling(l.Addr().String()))
	if err != nil {
		return 0, err
	}
	began := time.Now()
	sent, _, err := one.send(clients, began)
	return float64(sent) / time.Since(began).Seconds(), err
}
