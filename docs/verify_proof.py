#!/usr/bin/env python3
"""Checks what a clearing house gave a party, with nothing of tapclear's but the house's public key.

usage: verify_proof.py PUBLIC_KEY FILE|FOLDER...
A FILE has a JSON object per line: a seal, a proof of a line, or a proof that one day's log goes on from another's. A FOLDER
is the party's published files of a day. Seals come before what they are for; all is held against each other. Says what does
not hold, and how many of each argument do; exit code 0 when all does, 1 otherwise. The format is described in proofs.md."""

import base64, functools, hashlib, json, os, re, sys

def need(condition, what):
    if not condition:
        raise ValueError(what)

def unhex(text, size=32):
    need(isinstance(text, str) and re.fullmatch("[0-9a-f]{%d}" % (2 * size), text), "a hash, key or signature is not in its digits")
    return bytes.fromhex(text)

def hashes(text):
    data = base64.b64decode(text, validate=True)
    need(base64.b64encode(data).decode() == text and len(data) % 32 == 0, "a path is not in its letters")
    return [data[at:at + 32] for at in range(0, len(data), 32)]

def text(title, names, numbers):
    need(all(isinstance(name, str) and "\n" not in name for name in names) and all(type(n) is int for n in numbers), "a name or number is none")
    return "".join("%s\n" % line for line in (title, *names, *numbers)).encode()

def times(scalar, point, add, nothing):
    rest = times(scalar >> 1, add(point, point), add, nothing) if scalar > 1 else nothing
    return add(rest, point) if scalar & 1 else rest

class Standard:
    """SHA-256 and Ed25519 (RFC 8032, section 5.1, in extended coordinates)."""
    P, ORDER = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
    D = -121665 * pow(121666, -1, P) % P
    digest = lambda data: hashlib.sha256(data).digest()
    def add(p, q, P=P, D=D):
        a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
        c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
        return (b - a) * (d - c) % P, (d + c) * (b + a) % P, (d - c) * (d + c) % P, (b - a) * (b + a) % P
    def point(data, P=P, D=D):
        y = int.from_bytes(data, "little")
        sign, y = y >> 255, y & (2**255 - 1)
        square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
        x = pow(square, (P + 3) // 8, P)
        x = x if (x * x - square) % P == 0 else x * pow(2, (P - 1) // 4, P) % P
        need(y < P and (x * x - square) % P == 0 and (x or not sign), "a point is not on the curve")
        x = P - x if x % 2 != sign else x
        return x, y, 1, x * y % P
    def signed(key, data, signature):
        S, s = Standard, int.from_bytes(signature[32:], "little")
        k = int.from_bytes(hashlib.sha512(signature[:32] + key + data).digest(), "little") % S.ORDER
        base = S.point((4 * pow(5, -1, S.P) % S.P).to_bytes(32, "little"))
        left = times(s, base, S.add, (0, 1, 1, 0))
        right = S.add(S.point(signature[:32]), times(k, S.point(key), S.add, (0, 1, 1, 0)))
        return s < S.ORDER and all((left[at] * right[2] - right[at] * left[2]) % S.P == 0 for at in (0, 1))

class Shangmi:
    """SM3 (GB/T 32905) and SM2 (GB/T 32918.2 on the curve of GB/T 32918.5; the signer is 1234567812345678)."""
    P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
    ORDER = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
    B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
    BASE = (0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7, 0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0)
    def sm3(data):
        turn = lambda word, by: (word << by % 32 | word >> 32 - by % 32) & 0xFFFFFFFF
        state = [0x7380166F, 0x4914B2B9, 0x172442D7, 0xDA8A0600, 0xA96F30BC, 0x163138AA, 0xE38DEE4D, 0xB0FB0E4E]
        data += b"\x80" + bytes((55 - len(data)) % 64) + (8 * len(data)).to_bytes(8, "big")
        for start in range(0, len(data), 64):
            w = [int.from_bytes(data[at:at + 4], "big") for at in range(start, start + 64, 4)]
            for i in range(16, 68):
                x = w[i - 16] ^ w[i - 9] ^ turn(w[i - 3], 15)
                w.append(x ^ turn(x, 15) ^ turn(x, 23) ^ turn(w[i - 13], 7) ^ w[i - 6])
            a, b, c, d, e, f, g, h = state
            for i in range(64):
                s = turn(turn(a, 12) + e + turn(0x79CC4519 if i < 16 else 0x7A879D8A, i) & 0xFFFFFFFF, 7)
                ff, gg = (a ^ b ^ c, e ^ f ^ g) if i < 16 else (a & b | a & c | b & c, e & f | ~e & g)
                t, u = ff + d + (s ^ turn(a, 12)) + (w[i] ^ w[i + 4]) & 0xFFFFFFFF, gg + h + s + w[i] & 0xFFFFFFFF
                a, b, c, d, e, f, g, h = t, a, turn(b, 9), c, u ^ turn(u, 9) ^ turn(u, 17), e, turn(f, 19), g
            state = [old ^ new for old, new in zip(state, (a, b, c, d, e, f, g, h))]
        return b"".join(word.to_bytes(4, "big") for word in state)
    digest = (lambda data: hashlib.new("sm3", data).digest()) if "sm3" in hashlib.algorithms_available else sm3  # a hundred times faster
    def add(p, q, P=P):
        if not p or not q or (p[0] == q[0] and (p[1] + q[1]) % P == 0):
            return None if p and q else p or q
        slope = (3 * p[0]**2 - 3) * pow(2 * p[1], -1, P) if p == q else (q[1] - p[1]) * pow(q[0] - p[0], -1, P)
        x = (slope**2 - p[0] - q[0]) % P
        return x, (slope * (p[0] - x) - p[1]) % P
    def signed(key, data, signature):
        S, (x, y, r, s) = Shangmi, (int.from_bytes(part, "big") for part in (key[1:33], key[33:], signature[:32], signature[32:]))
        need(key[0] == 4 and x < S.P and y < S.P and (y * y - x**3 + 3 * x - S.B) % S.P == 0, "the key is not on the curve")
        user = b"\0\x801234567812345678" + b"".join(value.to_bytes(32, "big") for value in (S.P - 3, S.B, *S.BASE, x, y))
        e, t = int.from_bytes(S.digest(S.digest(user) + data), "big"), (r + s) % S.ORDER
        point = S.add(times(s, S.BASE, S.add, None), times(t, (x, y), S.add, None))
        return bool(0 < r < S.ORDER and 0 < s < S.ORDER and t and point and (e + point[0]) % S.ORDER == r)

class Copies:
    """What a party was given, held against the house's key and against each other. Trees are those of RFC 6962."""
    def __init__(self, key):
        self.name, suite, size = ("shangmi", Shangmi, 65) if len(key) == 130 else ("standard", Standard, 32)
        self.key, self.digest, self.signed = unhex(key, size), suite.digest, functools.lru_cache(None)(suite.signed)
        self.seals, self.roots, self.links = {}, {}, set()

    def climb(self, at, last, start, path):  # RFC 9162, 2.1.3.2 and 2.1.4.2: the root of all leaves up to a place, and of all
        old = new = start
        for beside in path:
            need(last > 0, "a path is too long")
            if at % 2 or at == last:
                old, new = self.digest(b"\1" + beside + old), self.digest(b"\1" + beside + new)
                up = (at & -at).bit_length()
            else:
                new, up = self.digest(b"\1" + new + beside), 1
            at, last = at >> up, last >> up
        need(last == 0, "a path is too short")
        return old, new

    def grown(self, c, first, first_root, path):
        need(0 < first < c["days"], "the log did not grow")
        path, ones = [first_root] * (first & (first - 1) == 0) + hashes(path), (first & -first).bit_length() - 1
        roots = path and self.climb(first - 1 >> ones, c["days"] - 1 >> ones, path[0], path[1:])
        need(roots == (first_root, unhex(c["log_root"])), "the later log does not go on from the earlier one")
        self.checkpoint(c)
        self.know(c, first, first_root)
        self.links.add((first, c["days"]))

    def checkpoint(self, c):
        names = self.name, c["hub"], c["day"], unhex(c["log_root"]).hex()
        data = text("tapclear checkpoint 2", names, [c["days"]])
        need(c["suite"] == self.name and self.signed(self.key, data, unhex(c["signature"], 64)), "the signature does not hold")
        self.know(c, c["days"], unhex(c["log_root"]))

    def know(self, c, days, root):
        need(self.roots.setdefault(days, (c["hub"], root)) == (c["hub"], root), "two logs were signed for the same days")

    def seal(self, s):
        c, before, digests = s["checkpoint"], s["previous_root"], [unhex(s[name]).hex() for name in ("root", "manifest", "blind")]
        day = self.digest(b"\0" + text("tapclear day 2", [c["day"], unhex(s["day_root"]).hex()], [c["days"], s["parties"]]))
        above = c["days"] > 0 and self.climb(c["days"] - 1, c["days"] - 1, day, hashes(s["log_path"]))[1]
        need(above == unhex(c["log_root"]), "its day is not in the signed log")
        numbers = [s[name] for name in ("detail_lines", "adjustment_lines", "debit_minor", "credit_minor")]
        party = self.digest(b"\0" + text("tapclear party 2", [c["day"], s["party"], *digests], numbers))
        above = 0 <= s["place"] < s["parties"] and self.climb(s["place"], s["parties"] - 1, party, hashes(s["day_path"]))[1]
        need(above == unhex(s["day_root"]) and type(s["place"]) is int, "its party's sums are not in the day")
        need(s.get("key") is None or self.digest(unhex(s["key"]) + b"\xff" * 8).hex() == s["blind"], "its key is not the day's")
        need(before or (c["days"], before, s["previous_path"]) == (1, None, ""), "it does not go on from the day before")
        self.grown(c, c["days"] - 1, unhex(before), s["previous_path"]) if before else self.checkpoint(c)
        self.seals[c["day"], s["party"]] = s

    def growth(self, p):
        need(p["from"]["hub"] == p["to"]["hub"] and p["from"]["day"] < p["to"]["day"], "the checkpoints are not of one log")
        self.grown(p["to"], p["from"]["days"], unhex(p["from"]["log_root"]), p["path"])
        self.checkpoint(p["from"])

    def line(self, p):
        s, salt = self.seals[p["day"], p["party"]], unhex(p["salt"], 16)
        before, lines = {"detail.csv": (0, s["detail_lines"]), "adjustments.csv": (s["detail_lines"], s["adjustment_lines"])}[p["file"]]
        need(type(p["number"]) is int and 0 < p["number"] <= lines, "there is no such line")
        start, last = self.digest(b"\0" + salt + p["line"].encode()), s["detail_lines"] + s["adjustment_lines"] - 1
        need(self.climb(before + p["number"] - 1, last, start, hashes(p["path"]))[1] == unhex(s["root"]), "the line is not among the party's")

    def folder(self, path):
        held = {name: open(os.path.join(path, name), "rb").read() for name in sorted(os.listdir(path))}
        told = json.loads(manifest := held.pop("manifest.json"))
        rows = [held[name].removesuffix(b"\n").split(b"\n")[1:] for name in ("detail.csv", "adjustments.csv")]
        s, pair = self.seals[told["day"], told["party"]], lambda at: self.digest(unhex(s["key"]) + (at // 2).to_bytes(8, "big"))
        level = [self.digest(b"\0" + pair(at)[at % 2 * 16:][:16] + row) for at, row in enumerate(rows[0] + rows[1])]
        while len(level) > 1:
            level = [self.digest(b"\1" + b"".join(level[at:at + 2])) for at in range(0, len(level) - 1, 2)] + level[len(level) & -2:]
        root, lines = (level or [self.digest(b"")])[0], [len(part) for part in rows]
        need((root, *lines) == (unhex(s["root"]), s["detail_lines"], s["adjustment_lines"]), "its lines are not those that were sealed")
        need(self.digest(manifest) == unhex(s["manifest"]), "its manifest is not the one that was sealed")
        named = {file["name"]: file.get("sm3") or file["sha256"] for file in told["files"]}
        need({name: self.digest(held[name]).hex() for name in held} == named, "its files are not those that its manifest names")

    def add(self, line):
        once = lambda pairs: dict(pairs) if len(dict(pairs)) == len(pairs) else need(False, "a name stands twice in it")
        value = json.loads(line, object_pairs_hook=once)
        {"tapclear-seal-2": self.seal, "tapclear-proof-2": self.line, "tapclear-growth-1": self.growth}[value["format"]](value)

def main(key, *paths):
    copies, refused = Copies(key) if re.fullmatch("[0-9a-f]{64}|04[0-9a-f]{128}", key) else sys.exit("the public key cannot be one"), 0
    for path in paths:
        held, check = 0, copies.folder if os.path.isdir(path) or not os.path.exists(path) else copies.add
        items = [path] if check == copies.folder else open(path, "rb").read().removesuffix(b"\n").split(b"\n")
        for place, item in enumerate(items, 1):
            try:
                held += check(item) is None
            except (KeyError, TypeError, ValueError, AttributeError, OSError, RecursionError) as error:
                print("%s:%s does not hold: %s" % (path, place, error if isinstance(error, ValueError) else "%s is missing or wrong" % error))
        print("%s: %s of %s hold" % (path, held, len(items)))
        refused += len(items) - held
    days = {s["checkpoint"]["days"] for s in copies.seals.values()}
    reached = {min(days, default=0)}
    for _ in copies.links:
        reached.update(*(link for link in copies.links if reached & set(link)))
    print("nothing shows that days %s of the log go on from the first" % sorted(days - reached) if days - reached else "all days that hold are of one log")
    return refused > 0 or days - reached != set()

if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) if len(sys.argv) > 2 else __doc__)
