"""What status says of the machines of workers."""

from service.status_machines import machine_attention, machine_lines

GB = 1_000_000_000


def a_worker(name="w1", *, host="h", pauses=(), hours=None, is_alive=True, path="/data"):
    disks = [{"path": path, "used_bytes": 60 * GB, "free_bytes": 40 * GB, "hours_left": hours}]
    return {
        "worker": name, "host": host, "is_alive": is_alive, "items": 3, "cpu_share": 0.5,
        "memory_free_bytes": 4 * GB, "memory_total_bytes": 16 * GB, "disks": disks, "pauses": list(pauses),
    }  # fmt: skip


def test_a_pause_says_what_waits_and_why():
    row = a_worker(pauses=[{"what": "catch-up", "why": "/data is 86.0% full"}])
    assert list(machine_attention([row])) == ["w1 holds back catch-up: /data is 86.0% full"]
    assert "catch-up wait: /data is 86.0% full" in next(machine_lines([row]))


def test_busy_cores_are_shown_and_call_nobody():
    row = a_worker(pauses=[{"what": "more", "why": "2 cores are 99% busy"}])
    assert list(machine_attention([row])) == []
    assert "more wait: 2 cores are 99% busy" in next(machine_lines([row]))


def test_a_disk_that_is_full_within_a_day_calls_somebody_once():
    rows = [a_worker(hours=2.0), a_worker("w2", hours=2.0), a_worker("w3", host="other", hours=100.0)]
    (line,) = machine_attention(rows)
    assert "/data on h" in line
    assert "2 h" in line
    disks = [line for line in machine_lines(rows) if line.startswith("disk")]
    assert disks == [
        "disk /data on h: 60% full, 40.0 GB left, full in 2 h at this rate",
        "disk /data on other: 60% full, 40.0 GB left, full in 4 days at this rate",
    ]


def test_a_disk_that_is_not_filling_says_so():
    assert any("not filling" in line for line in machine_lines([a_worker()]))


def test_of_workers_that_are_gone_nothing_is_said():
    row = a_worker(is_alive=False, hours=0.5, pauses=[{"what": "copying", "why": "full"}])
    assert [*machine_attention([row]), *machine_lines([row])] == []
