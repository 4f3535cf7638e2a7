// Checks a log over HTTP by golang.org/x/mod/sumdb, which shares no code with Bulla: its notes, its proofs, its tiles.
//
//	checklog log URL VKEY [OLD]        the log under a URL, and that it has grown out of the note in a file
//	checklog proof FILE VKEY HASH      a .tlog-proof of the leaf with this hash, in hexadecimal
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const tileHeight = 8

// A checkpoint whose signature is good: origin, size, root.
func openCheckpoint(text []byte, vkey string) (tlog.Tree, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() || lines[3] != "" {
		return tlog.Tree{}, errors.New("the note is no checkpoint of this log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

func get(url string) ([]byte, error) {
	response, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", url, response.Status)
	}
	return io.ReadAll(response.Body)
}

// Tiles of C2SP tlog-tiles, whose paths are those of x/mod without the height.
type tiles struct {
	url   string
	known map[tlog.Tile][]byte
}

func (t tiles) Height() int { return tileHeight }

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(wanted))
	for i, tile := range wanted {
		if known, found := t.known[tile]; found {
			data[i] = known
			continue
		}
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		read, err := get(t.url + "/" + path)
		if err != nil {
			return nil, err
		}
		data[i] = read
	}
	return data, nil
}

// Called once they are known to be the tree's.
func (t tiles) SaveTiles(authentic []tlog.Tile, data [][]byte) {
	for i, tile := range authentic {
		t.known[tile] = data[i]
	}
}

// Every leaf is in the tree, and the tree began with every smaller one, by proofs that x/mod makes of the tiles.
func checkTree(tree tlog.Tree, reader tlog.HashReader) error {
	for n := int64(0); n < tree.N; n++ {
		leaf, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, n)})
		if err != nil {
			return err
		}
		proof, err := tlog.ProveRecord(tree.N, n, reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, n, leaf[0]); err != nil {
			return err
		}
	}
	return nil
}

func checkLog(url, vkey string, old []byte) error {
	text, err := get(url + "/checkpoint")
	if err != nil {
		return err
	}
	tree, err := openCheckpoint(text, vkey)
	if err != nil {
		return err
	}
	reader := tlog.TileHashReader(tree, tiles{url, map[tlog.Tile][]byte{}})
	if err := checkTree(tree, reader); err != nil {
		return err
	}
	if old != nil {
		before, err := openCheckpoint(old, vkey)
		if err != nil {
			return err
		}
		proof, err := tlog.ProveTree(tree.N, before.N, reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, before.N, before.Hash); err != nil {
			return err
		}
	}
	fmt.Println(tree.N)
	return nil
}

func checkProof(file []byte, vkey, leaf string) error {
	head, text, found := bytes.Cut(file, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	if !found || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("this is no tlog-proof")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	if err != nil {
		return err
	}
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		hash, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(hash) != tlog.HashSize {
			return errors.New("a line of the proof is no hash")
		}
		proof = append(proof, tlog.Hash(*(*[tlog.HashSize]byte)(hash)))
	}
	tree, err := openCheckpoint(text, vkey)
	if err != nil {
		return err
	}
	bytes, err := hex.DecodeString(leaf)
	if err != nil || len(bytes) != tlog.HashSize {
		return errors.New("HASH is none")
	}
	return tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.Hash(*(*[tlog.HashSize]byte)(bytes)))
}

func run(arguments []string) error {
	var old []byte
	switch {
	case len(arguments) == 4 && arguments[0] == "proof":
		file, err := os.ReadFile(arguments[1])
		if err != nil {
			return err
		}
		return checkProof(file, arguments[2], arguments[3])
	case len(arguments) == 4 && arguments[0] == "log":
		read, err := os.ReadFile(arguments[3])
		if err != nil {
			return err
		}
		old = read
		fallthrough
	case len(arguments) == 3 && arguments[0] == "log":
		return checkLog(arguments[1], arguments[2], old)
	}
	return errors.New("usage: checklog log URL VKEY [OLD] | checklog proof FILE VKEY HASH")
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "checklog:", err)
		os.Exit(1)
	}
}
