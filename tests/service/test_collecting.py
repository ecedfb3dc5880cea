"""Processes that work in batches keep their memory between them."""

import json
import platform
import subprocess
import sys

BATCHES = """
import json, resource
from service.collecting import keep_freed

def asked_for():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(50):
        parts = [bytes(400_000) for _ in range(4)]
        whole = b"".join(parts)
        del parts, whole
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

left_to_itself, told = asked_for(), keep_freed()
asked_for()
print(json.dumps([left_to_itself, told, asked_for()]))
"""


def test_pages_of_one_batch_serve_the_next():
    done = subprocess.run([sys.executable, "-c", BATCHES], capture_output=True, check=True, text=True)
    left_to_itself, told, kept = json.loads(done.stdout)
    assert told is (platform.libc_ver()[0] == "glibc")
    assert kept < left_to_itself / 10 if told else kept > 0


HEAPS = """
import ctypes, threading
from service.collecting import keep_freed

told, all_of_them = keep_freed(), threading.Barrier(4)

def batch():
    all_of_them.wait()
    parts = [bytes(100_000) for _ in range(20)]
    all_of_them.wait()

threads = [threading.Thread(target=batch) for _ in range(4)]
for each in threads:
    each.start()
for each in threads:
    each.join()
print(told, flush=True)
if told:
    c = ctypes.CDLL(None)
    c.malloc_info(0, ctypes.c_void_p.in_dll(c, "stdout"))
    c.fflush(None)
"""


def test_all_threads_share_what_is_kept():
    done = subprocess.run([sys.executable, "-c", HEAPS], capture_output=True, check=True, text=True)
    told, _, heaps = done.stdout.partition("\n")
    assert told == str(platform.libc_ver()[0] == "glibc")
    assert heaps.count("<heap ") == (1 if told == "True" else 0)
