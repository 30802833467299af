#!/usr/bin/env python3
"""Checks a party's seal of a clearing day, and proofs of lines, with nothing of tapclear but its public key.

usage: verify_proof.py SEAL.json PUBLIC_KEY [PROOF.json | FOLDER]...

A FOLDER is the party's published files of that day: every line of them is held against the seal. Says `holds` or what does
not hold for each argument; exit code 0 when all hold, 1 otherwise. The format is described in proofs.md."""

import hashlib
import json
import os
import re
import sys


def need(condition, what):
    if not condition:
        raise ValueError(what)


def unhex(text, size=32):
    need(isinstance(text, str) and re.fullmatch("[0-9a-f]{%d}" % (2 * size), text), "a hash, key or signature is not in its digits")
    return bytes.fromhex(text)


def number(value):
    need(isinstance(value, int) and not isinstance(value, bool), "a number is none")
    return value


# RFC 6962 trees, checked as in RFC 9162, section 2.1.
def leaf(data):
    return hashlib.sha256(b"\0" + data).digest()


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def root_of(leaves):
    if len(leaves) < 2:
        return leaves[0] if leaves else hashlib.sha256(b"").digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return node(root_of(leaves[:split]), root_of(leaves[split:]))


def root_above(start, index, size, path):
    need(0 <= index < size, "a place is not in its tree")
    at, last, root = index, size - 1, start
    for beside in path:
        need(last > 0, "a path is too long")
        if at % 2 or at == last:
            root = node(beside, root)
            while at % 2 == 0 and at:
                at, last = at // 2, last // 2
        else:
            root = node(root, beside)
        at, last = at // 2, last // 2
    need(last == 0, "a path is too short")
    return root


def goes_on(first, first_root, second, second_root, proof):
    need(0 < first < second, "the log did not grow")
    proof = list(proof)
    if first & (first - 1) == 0:
        proof.insert(0, first_root)
    need(proof, "the log's proof is empty")
    at, last = first - 1, second - 1
    while at % 2:
        at, last = at // 2, last // 2
    old = new = proof[0]
    for beside in proof[1:]:
        need(last > 0, "the log's proof is too long")
        if at % 2 or at == last:
            old, new = node(beside, old), node(beside, new)
            while at % 2 == 0 and at:
                at, last = at // 2, last // 2
        else:
            new = node(new, beside)
        at, last = at // 2, last // 2
    need(last == 0 and old == first_root and new == second_root, "the log does not go on from the day before")


# Ed25519, RFC 8032, section 5.1 (extended coordinates).
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(scalar, point):
    result = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point, scalar = add(point, point), scalar >> 1
    return result


def point(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    need(y < P and (x * x - square) % P == 0 and (x or not sign), "a point is not on the curve")
    x = P - x if x % 2 != sign else x
    return x, y, 1, x * y % P


BASE = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def signed(key, text, signature):
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    need(s < ORDER, "the signature does not hold")
    k = int.from_bytes(hashlib.sha512(r + key + text).digest(), "little") % ORDER
    left, right = times(s, BASE), add(point(r), times(k, point(key)))
    same = (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0
    need(same, "the signature does not hold")


# Seals and proofs.
def salt(key, index):
    return hashlib.sha256(key + index.to_bytes(8, "big")).digest()


def text(*lines):
    return "".join("%s\n" % line for line in lines).encode()


def check_seal(s, key):
    need(s["format"] == "tapclear-seal-1", "it is no seal of a format that is known")
    need(s["public_key"] == key, "it is signed by another key")
    days, log_root = number(s["days"]), unhex(s["log_root"])
    signed(unhex(key), text("tapclear checkpoint 1", s["hub"], days, s["log_root"]), unhex(s["signature"], 64))
    need(days == number(s["sequence"]), "its day is not the log's last")
    day = leaf(text("tapclear day 1", s["day"], days, number(s["parties"]), s["day_root"]))
    need(root_above(day, days - 1, days, map(unhex, s["log_path"])) == log_root, "its day is not in the signed log")
    blind = salt(unhex(s["key"]), 2**64 - 1).hex()
    sums = [number(s["lines"]), number(s["debit_minor"]), number(s["credit_minor"])]
    party = leaf(text("tapclear party 1", s["day"], s["party"], *sums, s["root"], s["manifest"], blind))
    above = root_above(party, number(s["place"]), s["parties"], map(unhex, s["day_path"]))
    need(above == unhex(s["day_root"]), "its party's sums are not in the day")
    if days == 1:
        need(s["previous_root"] is None and s["previous_path"] == [], "there is no day before the first")
    else:
        goes_on(days - 1, unhex(s["previous_root"]), days, log_root, map(unhex, s["previous_path"]))


def check_proof(p, s):
    need(p["format"] == "tapclear-proof-1", "it is no proof of a format that is known")
    need((p["day"], p["party"], number(p["lines"])) == (s["day"], s["party"], s["lines"]), "the proof is of another day or party")
    start = leaf(unhex(p["salt"]) + p["file"].encode() + b"\n" + p["line"].encode())
    need(root_above(start, number(p["index"]), p["lines"], map(unhex, p["path"])) == unhex(s["root"]), "the line is not among the party's")


def check_folder(folder, s):
    key, leaves = unhex(s["key"]), []
    for name in ("detail.csv", "adjustments.csv"):
        with open(os.path.join(folder, name), "rb") as file:
            rows = file.read().removesuffix(b"\n").split(b"\n")[1:]
        for row in rows:
            leaves.append(leaf(salt(key, len(leaves)) + name.encode() + b"\n" + row))
    need(len(leaves) == s["lines"] and root_of(leaves) == unhex(s["root"]), "its lines are not those that were sealed")
    with open(os.path.join(folder, "manifest.json"), "rb") as file:
        need(hashlib.sha256(file.read()).digest() == unhex(s["manifest"]), "its manifest is not the one that was sealed")


def main(seal_path, key, *others):
    seal, refused = None, 0
    for path in (seal_path, *others):
        try:
            if os.path.isdir(path):
                check_folder(path, seal)
            else:
                with open(path, encoding="utf-8") as file:
                    content = json.load(file)
                check_proof(content, seal) if seal else check_seal(content, key)
            seal = seal or content
            print(path, "holds")
        except (KeyError, TypeError, ValueError, OSError) as error:
            print(path, "does not hold:", error)
            refused = 1
            if not seal:
                break
    return refused


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) if len(sys.argv) > 2 else __doc__)
