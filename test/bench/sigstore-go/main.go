// SPDX-License-Identifier: Apache-2.0
// Verifies every bundle */*.json of a directory for the file of the same name without .json, GOMAXPROCS at once, and
// prints how many, in how many seconds, of how many CPU seconds. Usage: peer ROOT DIRECTORY SAN ISSUER
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
)

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func main() {
	trusted := must(root.NewTrustedRootFromPath(os.Args[1]))
	paths := must(filepath.Glob(filepath.Join(os.Args[2], "*", "*.json")))
	identity := must(verify.NewShortCertificateIdentity(os.Args[4], "", os.Args[3], ""))
	options := []verify.VerifierOption{verify.WithSignedCertificateTimestamps(1), verify.WithTransparencyLog(1), verify.WithObserverTimestamps(1)}
	verifier := must(verify.NewVerifier(trusted, options...))
	began := time.Now()
	work := make(chan string)
	var group sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for path := range work {
				loaded := must(bundle.LoadJSONFromPath(path))
				artifact := must(os.Open(strings.TrimSuffix(path, ".json")))
				policy := verify.NewPolicy(verify.WithArtifact(artifact), verify.WithCertificateIdentity(identity))
				must(verifier.Verify(loaded, policy))
				artifact.Close()
			}
		})
	}
	for _, path := range paths {
		work <- path
	}
	close(work)
	group.Wait()
	seconds := time.Since(began).Seconds()
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	fmt.Printf("%d %.3f %.3f\n", len(paths), seconds, float64(used.Utime.Nano()+used.Stime.Nano())/1e9)
}
