"""What CPython does in `cargo xtask real`: its output does not depend on where it runs."""

import hashlib
import json
import os
import re
import sys

folder = sys.argv[1]

data = {"numbers": list(range(1000)), "text": "ä\n\"quoted\"", "nested": [{"k": i} for i in range(200)]}
for _ in range(20):
    text = json.dumps(data, sort_keys=True, indent=1)
    assert json.loads(text) == data
print("json", len(text), hashlib.sha256(text.encode()).hexdigest())

words = re.findall(r"(?i)\b[a-z]*o[a-z]*\b", "The quick brown fox jumps over the lazy dog. " * 200)
print("re", len(words), re.sub(r"(\w+) (\w+)", r"\2 \1", " ".join(words[:6])))

for name in ["md5", "sha1", "sha512", "sha3_256", "blake2b"]:
    print(name, hashlib.new(name, b"damson" * 10_000).hexdigest()[:32])

state, items = 1, []
for _ in range(100_000):
    state = state * 6364136223846793005 + 1442695040888963407 & 0xFFFFFFFFFFFFFFFF
    items.append(state >> 33)
items.sort()
print("sort", items[0], items[50_000], items[-1])

path = os.path.join(folder, "cpython.tmp")
with open(path, "w", encoding="utf-8") as file:
    file.writelines(f"{item}\n" for item in items[:5000])
with open(path, "rb") as file:
    file.seek(100)
    content = file.read()
print("file", os.stat(path).st_size, hashlib.md5(content).hexdigest())
os.rename(path, path + "2")
print("dir", sorted(name for name in os.listdir(folder) if name.startswith("cpython.tmp")))
os.remove(path + "2")
