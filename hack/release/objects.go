package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"
	sigsyaml "sigs.k8s.io/yaml"
)

// object is an object of a manifest.
type object map[string]any

// objectsOf takes a manifest apart.
func objectsOf(manifest []byte) ([]object, error) {
	var objects []object
	documents := yaml.NewDecoder(bytes.NewReader(manifest))
	for {
		var o map[string]any // of the type object, what is inside would be too
		if err := documents.Decode(&o); errors.Is(err, io.EOF) {
			return objects, nil
		} else if err != nil {
			return nil, err
		}
		if len(o) > 0 {
			objects = append(objects, o)
		}
	}
}

func (o object) kind() string { return fmt.Sprint(o["kind"]) }

func (o object) metadata() map[string]any { return inside(o, "metadata") }

func (o object) name() string { return fmt.Sprint(o.metadata()["name"]) }

// id tells objects of one manifest from each other.
func (o object) id() string {
	return fmt.Sprint(o["kind"], " ", o.metadata()["namespace"], "/", o.metadata()["name"])
}

// inside is the map at a path; if it is missing, an empty one is made.
func inside(o map[string]any, path ...string) map[string]any {
	for _, key := range path {
		next, isMap := o[key].(map[string]any)
		if !isMap {
			next = map[string]any{}
			o[key] = next
		}
		o = next
	}
	return o
}

// without are the objects of the first manifest that the second has not, by their ids.
func without(objects, others []object) []object {
	ids := map[string]bool{}
	for _, other := range others {
		ids[other.id()] = true
	}
	return slices.DeleteFunc(slices.Clone(objects), func(o object) bool { return ids[o.id()] })
}

// text is an object in YAML, its keys in order.
func (o object) text() (string, error) {
	text, err := sigsyaml.Marshal(map[string]any(maps.Clone(o)))
	return string(text), err
}
