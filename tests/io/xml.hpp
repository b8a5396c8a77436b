// SPDX-License-Identifier: Apache-2.0
// Checks whether a page is well-formed XML.
#pragma once

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <iterator>
#include <string>
#include <vector>

/// A recursive-descent checker of the XML that reports use: one root, nested tags, unique quoted attributes, known
/// entities, no stray '<' or '&'. Collects tags and text for the tests.
struct Xml {
  explicit Xml(const std::string& page) : text(page) {
    expect("<!DOCTYPE html>");
    skip_space();
    element();
    skip_space();
    if (at != text.size()) error("text after the root");
  }

  std::string text;
  std::size_t at = 0;
  std::vector<std::string> tags;     // in order of opening
  std::vector<std::string> content;  // text between tags, unescaped
  std::string first_error;

  bool contains(const std::string& wanted) const {
    return std::find(content.begin(), content.end(), wanted) != content.end();
  }
  std::ptrdiff_t count(const std::string& tag) const { return std::count(tags.begin(), tags.end(), tag); }

 private:
  void error(const std::string& what) {
    if (first_error.empty()) first_error = what + " at " + std::to_string(at) + ": " + text.substr(at, 40);
    at = text.size();
  }
  bool looking_at(const std::string& wanted) const { return text.compare(at, wanted.size(), wanted) == 0; }
  void expect(const std::string& wanted) { looking_at(wanted) ? void(at += wanted.size()) : error("wanted " + wanted); }
  void skip_space() {
    while (at < text.size() && std::isspace(static_cast<unsigned char>(text[at])) != 0) ++at;
  }
  std::string name() {
    const std::size_t begin = at;
    while (at < text.size() && (std::isalnum(static_cast<unsigned char>(text[at])) != 0 || text[at] == '-')) ++at;
    if (at == begin) error("wanted a name");
    return text.substr(begin, at - begin);
  }
  std::string characters(char end) {
    std::string out;
    while (at < text.size() && text[at] != end) {
      const char c = text[at];
      if (c == '<') {
        return error("< inside text"), out;
      } else if (c == '&') {
        const std::size_t semicolon = text.find(';', at);
        const std::string entity = text.substr(at, semicolon == std::string::npos ? 1 : semicolon - at + 1);
        const std::string known[] = {"&amp;", "&lt;", "&gt;", "&quot;"};
        const auto* found = std::find(std::begin(known), std::end(known), entity);
        if (found == std::end(known)) return error("unknown entity"), out;
        out += "&<>\""[found - known];
        at += entity.size();
      } else {
        if (static_cast<unsigned char>(c) < ' ' && c != '\n' && c != '\t') return error("control character"), out;
        out += c;
        ++at;
      }
    }
    return out;
  }
  void element() {
    expect("<");
    const std::string tag = name();
    tags.push_back(tag);
    std::vector<std::string> attributes;
    for (skip_space(); at < text.size() && text[at] != '>' && text[at] != '/'; skip_space()) {
      const std::string attribute = name();
      if (std::count(attributes.begin(), attributes.end(), attribute) != 0) error("attribute twice");
      attributes.push_back(attribute);
      expect("=\"");
      characters('"');
      expect("\"");
    }
    if (looking_at("/>")) return expect("/>");
    expect(">");
    while (at < text.size() && !looking_at("</")) {
      if (text[at] == '<') {
        element();
      } else {
        content.push_back(characters('<'));
      }
    }
    expect("</" + tag + ">");
  }
};
