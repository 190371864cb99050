# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""The chapter of structures and constants of calls.rst.

Made from the comments of uapi/pico/drawbridge.h, between the two lines that
name its sides; the first of them says how these comments are read.
"""

import re
import subprocess
import textwrap

BEGIN = "---- both sides: structures and constants ----"
END = "/* ---- the monitor's side"

INTRODUCTION = """\
From ``pico/drawbridge.h``. Numbers are little-endian; lengths and sizes are in
bytes; a field that is an address points to the caller's memory. Fields named
*reserved* are 0. A structure has no room between its fields that is not shown.

"""

TOKEN = re.compile(r"""
    (?P<comment> /\*.*?\*/ ) |
    (?P<define> \#define [^\n]* ) |
    (?P<struct> struct\s+\w+\s*\{.*?\n\}; ) |
    (?P<other> [^\s] [^\n]* )
""", re.S | re.X)


class Malformed(Exception):
    pass


def plain(comment):
    """A comment's text, paragraphs and indentation kept."""
    lines = comment[2:-2].split("\n")
    return "\n".join(re.sub(r"^\s*\* ?", "", line).rstrip()
                     for line in lines).strip()


def marked(text):
    """Names as literals, @fields as emphasis."""
    text = re.sub(r"@(\w+)", r"*\1*", text)
    text = re.sub(r"\b(struct dk_\w+(?:\.\w+)?|DK_\w+(?:\([a-z]*\))?|"
                  r"__[us]\d+)(\*?)",
                  lambda m: "``%s%s``" % m.groups(), text)
    return re.sub(r"``(\w[\w .]*)``\.\.\.", r"``\1``, ...", text)


def filled(text, indent=""):
    return textwrap.fill(" ".join(text.split()), 78, initial_indent=indent,
                         subsequent_indent=indent, break_on_hyphens=False,
                         break_long_words=False) + "\n"


class Group:
    """Constants that belong together, under a comment or a structure."""

    def __init__(self, text):
        self.text = text
        self.rows = []

    def add(self, define, note):
        body, trailing = (define.split("/*", 1) + [""])[:2]
        if trailing:
            note = plain("/*" + trailing)
        m = re.match(r"#define\s+(\w+(?:\([^)]*\))?)\s+(.*\S)", body)
        if not m:
            raise Malformed("not understood: %s" % define)
        self.rows.append((m[1], m[2], note or ""))

    def table(self):
        if not self.rows:
            return ""
        rows = [("Constant", "Value", "Meaning")]
        rows += [("``%s``" % name, "``%s``" % value, marked(note) or "\\")
                 for name, value, note in self.rows]
        widths = [max(len(r[i]) for r in rows) for i in range(3)]
        rule = "  ".join("=" * w for w in widths) + "\n"
        lines = ["  ".join(c.ljust(w) for c, w in zip(r, widths)).rstrip() +
                 "\n" for r in rows]
        return rule + lines[0] + rule + "".join(lines[1:]) + rule + "\n"

    def text_rst(self):
        paragraphs = re.split(r"\n\s*\n", self.text)
        return "".join(preformatted(p) for p in paragraphs)

    def rst(self, sizes):
        return self.text_rst() + self.table()


def preformatted(paragraph):
    """A paragraph, or what the comment has indented."""
    if paragraph.startswith("\t"):
        return "::\n\n%s\n\n" % textwrap.indent(
            textwrap.dedent(paragraph.expandtabs(8)), "    ")
    return filled(marked(paragraph)) + "\n"


class Struct(Group):
    def __init__(self, comment, code):
        self.name = re.match(r"struct (\w+)", code)[1]
        m = re.match(r"struct %s - (.*?)(?=\n\n|\n@\w|\Z)(.*)" % self.name,
                     comment, re.S)
        if not m:
            raise Malformed("struct %s has no comment of its own" % self.name)
        self.summary = m[1]
        self.code = code
        self.fields = []
        rest = []
        for part in re.split(r"\n(?=@[@\w, ]+:)|\n\n", m[2].strip("\n")):
            field = re.match(r"((?:@\w+(?:, )?)+):\s*(.*)", part, re.S)
            if field:
                self.fields.append((field[1], field[2]))
            elif part.strip():
                rest.append(part)
        super().__init__("\n\n".join(rest))
        self.check()

    def check(self):
        body = re.sub(r"/\*.*?\*/", "", self.code, flags=re.S)
        there = set(re.findall(r"(\w+)(?:\[\w*\])?\s*[,;]", body))
        for names, _ in self.fields:
            for name in re.findall(r"@(\w+)", names):
                if name not in there:
                    raise Malformed("struct %s has no field %s" %
                                    (self.name, name))

    def rst(self, sizes):
        title = "struct " + self.name
        out = "%s\n%s\n\n" % (title, "-" * len(title))
        summary = self.summary[0].upper() + self.summary[1:]
        out += filled(marked(summary).rstrip(".") + ". %d bytes." %
                      sizes[self.name]) + "\n"
        out += "::\n\n" + textwrap.indent(self.code.expandtabs(8), "    ")
        out += "\n\n"
        for names, text in self.fields:
            out += marked(names) + "\n"
            out += filled(marked(text), "    ")
        if self.fields:
            out += "\n"
        if self.text:
            out += self.text_rst()
        return out + self.table()


def parse(header):
    try:
        region = header[header.index(BEGIN):header.index(END)]
    except ValueError:
        raise Malformed("the header does not name its two sides")
    region = region[region.index("*/") + 2:]
    groups, note = [], None
    for m in TOKEN.finditer(region):
        token = m[0]
        if m["comment"]:
            if note is not None:
                raise Malformed("a comment about nothing: %s" % note)
            note = plain(token)
            if re.match(r"[A-Z]|struct \w+\.", note) and \
                    not re.match(r"DK_\w+\Z", note):
                groups.append(Group(note))
                note = None
        elif m["define"]:
            if not groups:
                raise Malformed("constants without a comment: %s" % token)
            groups[-1].add(token, note)
            note = None
        elif m["struct"]:
            groups.append(Struct(note or "", token))
            note = None
        else:
            raise Malformed("not understood: %s" % token)
    return groups


def sizes_of(names, header):
    """What the compiler says that the structures take, without gaps."""
    text = '#include "%s"\n' % header
    text += "".join("char size_of_%s[sizeof(struct %s)];\n" % (n, n)
                    for n in names)
    out = subprocess.run(
        ["cc", "-Wpadded", "-Werror", "-x", "c", "-S", "-o", "-", "-"],
        input=text, text=True, check=True, stdout=subprocess.PIPE).stdout
    found = re.findall(r"\.size\s+size_of_(\w+), (\d+)", out)
    return {name: int(size) for name, size in found}


def chapter(path):
    """The chapter, and every name that it explains."""
    with open(path) as f:
        groups = parse(f.read())
    structs = [g for g in groups if isinstance(g, Struct)]
    sizes = sizes_of([s.name for s in structs], path)
    out = "Structures and constants\n========================\n\n"
    out += INTRODUCTION
    # A structure's heading would swallow the constants behind it.
    loose = [g for g in groups if not isinstance(g, Struct)]
    out += "Constants\n---------\n\n"
    out += "".join(g.rst(sizes) for g in loose)
    out += "".join(s.rst(sizes) for s in structs)
    names = {s.name for s in structs}
    names |= {re.match(r"\w+", row[0])[0] for g in groups for row in g.rows}
    return out, names
