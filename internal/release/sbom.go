package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/uuid"
)

// billOfMaterials says what is in b: the modules that Go wrote into it, with their
// licences, and the data beside them, as CycloneDX 1.6 JSON
// (https://cyclonedx.org/docs/1.6/json/). It holds no moment and no random number:
// its time is the commit's and its serial number is made from the binary.
//
// cyclonedx-gomod would do for the modules alone, but it writes a hash of its own
// binary into each document, so that two machines never agree.
func billOfMaterials(b built, inside map[string]*module) ([]byte, error) {
	digest := sha256.Sum256(b.content)
	refs, sums := map[string]string{ourselves: packageURL(ourselves, b.version)}, map[string]string{}
	for _, m := range inside {
		if m.path != ourselves {
			refs[m.path] = packageURL(m.path, m.version)
		}
	}
	for _, d := range b.info.Deps {
		sums[d.Path] = d.Sum
	}
	root := refs[ourselves]
	needs := map[string][]string{root: {refs["stdlib"]}} // by bom-ref
	var components []cdx.Component
	for _, path := range slices.Sorted(maps.Keys(inside)) {
		m := inside[path]
		for _, needed := range m.needs {
			needs[refs[path]] = append(needs[refs[path]], refs[needed])
		}
		if path == ourselves {
			continue
		}
		c := cdx.Component{
			BOMRef: refs[path], Type: cdx.ComponentTypeLibrary, Name: path, Version: m.version, Scope: cdx.ScopeRequired,
			PackageURL: refs[path], Licenses: concluded(m.expression()),
		}
		if sum := sums[path]; sum != "" {
			hash, err := moduleHash(sum)
			if err != nil {
				return nil, fmt.Errorf("read the sum of %s: %w", path, err)
			}
			c.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hash}}
		}
		components = append(components, c)
	}
	for _, a := range assets {
		ref := strings.ToLower("data:" + strings.ReplaceAll(a.name, " ", "-"))
		c := cdx.Component{
			BOMRef: ref, Type: cdx.ComponentTypeData, Name: a.name, Description: a.about, Licenses: concluded(a.licence),
			ExternalReferences: &[]cdx.ExternalReference{{Type: cdx.ERTypeDistribution, URL: a.source}},
		}
		components = append(components, c)
		needs[refs[a.module]] = append(needs[refs[a.module]], ref)
	}

	bom := cdx.NewBOM()
	bom.SpecVersion = cdx.SpecVersion1_6
	bom.SerialNumber = "urn:uuid:" + uuid.NewSHA1(uuid.NameSpaceURL, digest[:]).String()
	bom.Metadata = &cdx.Metadata{
		Timestamp: b.time.UTC().Format(time.RFC3339),
		Tools:     &cdx.ToolsChoice{Components: &[]cdx.Component{{Type: cdx.ComponentTypeApplication, Name: ourselves + "/internal/release", Version: b.version}}},
		Component: &cdx.Component{
			BOMRef: root, Type: cdx.ComponentTypeApplication, Name: "stsleuth", Version: b.version, PackageURL: root,
			Licenses: concluded("MIT"), Hashes: &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(digest[:])}},
			ExternalReferences: &[]cdx.ExternalReference{{Type: cdx.ERTypeVCS, URL: "https://" + ourselves}},
			Properties: &[]cdx.Property{ // names of https://github.com/CycloneDX/cyclonedx-property-taxonomy (cdx:gomod)
				{Name: "cdx:gomod:build:env:CGO_ENABLED", Value: "0"},
				{Name: "cdx:gomod:build:env:GOARCH", Value: b.arch},
				{Name: "cdx:gomod:build:env:GOOS", Value: b.os},
				{Name: "cdx:gomod:build:env:GOVERSION", Value: b.info.GoVersion},
				{Name: "cdx:gomod:build:vcs:revision", Value: b.revision},
			},
		},
	}
	bom.Components = &components
	var dependencies []cdx.Dependency
	for _, c := range append([]cdx.Component{{BOMRef: root}}, components...) {
		on := slices.Sorted(slices.Values(needs[c.BOMRef]))
		dependencies = append(dependencies, cdx.Dependency{Ref: c.BOMRef, Dependencies: &on})
	}
	bom.Dependencies = &dependencies

	var out bytes.Buffer
	err := cdx.NewBOMEncoder(&out, cdx.BOMFileFormatJSON).SetPretty(true).SetEscapeHTML(false).EncodeVersion(bom, cdx.SpecVersion1_6)
	return out.Bytes(), err
}

// packageURL names a module: https://github.com/package-url/purl-spec. A path's
// capitals stay, as cyclonedx-gomod leaves them: to Go they make another module.
func packageURL(path, version string) string {
	return "pkg:golang/" + path + "@" + strings.ReplaceAll(version, "+", "%2B")
}

// moduleHash is go.sum's hash over a module's files (https://go.dev/ref/mod#go-sum-files)
// in the hexadecimal digits that CycloneDX wants; cyclonedx-gomod writes the same.
func moduleHash(sum string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(sum, "h1:"))
	return hex.EncodeToString(raw), err
}

// concluded are the terms that we found: an SPDX expression, or words. A single
// identifier is an expression too, and as such not held against the list of the
// year in which the schema was published.
func concluded(terms string) *cdx.Licenses {
	found := cdx.LicenseAcknowledgementConcluded
	if strings.Contains(terms, " ") && !strings.Contains(terms, " AND ") {
		return &cdx.Licenses{{License: &cdx.License{Name: terms, Acknowledgement: found}}}
	}
	return &cdx.Licenses{{Expression: terms, Acknowledgement: &found}}
}
