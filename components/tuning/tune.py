"""From what a service does and what its instance may use, to postgresql.conf. Pure.

Formulas marked pgtune are those of https://pgtune.leopard.in.ua (github.com/le0pard/pgtune,
src/features/configuration/configurationSlice.js), for Linux and solid-state storage. What the
catalogue gives wins over a formula; memory is then multiplied by the stack's scale, so that a laptop
can run what production runs. Scale never changes what a statement means or may do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from components.catalogue.model import ServiceEntry, Workload
from components.problems import ConfigurationError, Problem
from components.sizes import GB, MB, TB, format_size, parse_size
from components.tuning.parameters import check_parameters

ALWAYS: Mapping[str, str] = {
    # Connections and statements: who did what, how long it took, what it waited for.
    "shared_preload_libraries": "pg_stat_statements",
    "pg_stat_statements.track": "all",
    "track_io_timing": "on",
    "log_connections": "on",
    "log_disconnections": "on",
    "log_lock_waits": "on",
    "log_checkpoints": "on",
    "log_temp_files": "10MB",
    "log_line_prefix": "%m [%p] %q%u@%d %a %h ",
    "log_timezone": "UTC",
    "deadlock_timeout": "1s",
    "checkpoint_completion_target": "0.9",
    "password_encryption": "scram-sha-256",
    # What initdb writes for the locale C; without the line in a file of our own it would be `simple`, and
    # to_tsvector() and to_tsquery() would find other words.
    "default_text_search_config": "pg_catalog.english",
    # A service's data comes in, and can go back, by logical replication.
    "wal_level": "logical",
    "max_replication_slots": "10",
    "max_wal_senders": "10",
    "max_logical_replication_workers": "8",
    # A subscription is started anew inside a cutover's pause, and this long after its last start at the
    # earliest; the default is 5 s.
    "wal_retrieve_retry_interval": "500ms",
    "max_worker_processes": "16",
}
"""What holds on every instance of every size."""

_WORKERS = int(ALWAYS["max_worker_processes"])


@dataclass(frozen=True)
class Profile:
    """How a workload differs from PostgreSQL's defaults. Sizes in kB; the values are pgtune's."""

    connections: int
    maintenance_divisor: int
    """maintenance_work_mem is memory divided by this."""
    work_mem_divisor: int
    max_wal_size: int
    statistics_target: int
    just_in_time: bool
    extra: Mapping[str, str]


def _web(**extra: str) -> Profile:
    return Profile(200, 16, 1, 4 * GB, 100, False, extra)


def _oltp(**extra: str) -> Profile:
    return Profile(300, 16, 1, 8 * GB, 100, False, extra)


# Insert-only tables are vacuumed by what was inserted, sooner than after a fifth of the table:
# https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-BASICS
_INSERTS = {"autovacuum_vacuum_insert_scale_factor": "0.05", "autovacuum_analyze_scale_factor": "0.02"}

PROFILES: Mapping[Workload, Profile] = {
    Workload.READ_HEAVY: _web(),
    Workload.TRANSACTIONS: _oltp(),
    # Serializable transactions keep predicate locks; too few make them coarser and fail more often:
    # https://www.postgresql.org/docs/current/runtime-config-locks.html
    Workload.CONSISTENCY: _oltp(max_pred_locks_per_transaction="128"),
    Workload.APPEND: _oltp(**_INSERTS),
    Workload.MIXED: Profile(100, 16, 2, 4 * GB, 100, False, {}),
    Workload.REPORTING: Profile(40, 8, 2, 16 * GB, 500, True, {}),
    Workload.AUDIT: _oltp(**_INSERTS),
    # A queue's table is small and its rows die at once: vacuum it by a fiftieth, look often.
    Workload.QUEUE: _oltp(autovacuum_vacuum_scale_factor="0.02", autovacuum_naptime="15s"),
}

FLOORS: Mapping[str, int] = {
    "shared_buffers": 16 * MB,
    "effective_cache_size": 32 * MB,
    "work_mem": 1 * MB,
    "maintenance_work_mem": 16 * MB,
    "wal_buffers": 32,
}
"""kB below which scaling down makes no sense; wal_buffers' is pgtune's."""

WAL_PART, TEMPORARY_PART, SLOT_PART = 8, 8, 4
"""Parts of an instance's disk: max_wal_size, temp_file_limit, max_slot_wal_keep_size are one of so many."""
DISK_PER_WAL = 4
"""A disk is at least so many times max_wal_size."""
TEMPORARY_PER_MEMORY = 16
_LEAST_WAL = 128 * MB
"""min_wal_size is a quarter of it, and has to be two segments at least."""
_MOST_TEMPORARY = 2 * TB - MB
"""PostgreSQL takes no more."""

_PLAIN_WORK_MEM_FLOOR = 4 * MB  # pgtune: less spills simple queries to disk


def maximum_connections(entry: ServiceEntry) -> int:
    """max_connections: the catalogue's, else pgtune's for the workload."""
    return entry.resources.max_connections or PROFILES[entry.workload].connections


def tune(entry: ServiceEntry, *, version: int, scale: float = 1.0, disk: int | None = None) -> dict[str, str]:
    """postgresql.conf for the service's instance, sorted by name.

    `version` is PostgreSQL's major version (15 to 18), `scale` multiplies memory, `disk` is what there is
    for the instance's data in kB, None when not known. Values are as postgresql.conf spells them. Raises
    ConfigurationError when that version does not know a parameter or not take its value, or when the disk
    cannot hold what the catalogue gives.
    """
    profile = PROFILES[entry.workload]
    parameters = dict(ALWAYS)
    parameters |= {name: format_size(size) for name, size in _memory(entry, scale).items()}
    parameters |= _write_ahead_log(entry, disk)
    parameters |= _disk(entry, disk)
    parameters |= _processors(entry.resources.cpus)
    parameters |= {
        "max_connections": str(maximum_connections(entry)),
        "default_statistics_target": str(profile.statistics_target),  # pgtune
        "jit": "on" if profile.just_in_time else "off",  # pgtune: short statements lose by it
        "random_page_cost": "1.1",  # pgtune, solid state
        "effective_io_concurrency": "200",  # pgtune, solid state
    }
    parameters |= profile.extra
    parameters |= entry.parameters
    parameters = dict(sorted(parameters.items()))
    problems = [
        Problem(f"parameters.{name}", what, fix) for name, what, fix in check_parameters(parameters, version)
    ]
    if not problems:
        problems += _too_much_for(disk, parameters)
    if problems:
        raise ConfigurationError(problems)
    return parameters


def _memory(entry: ServiceEntry, scale: float) -> dict[str, int]:
    """The memory parameters in kB, scaled."""
    profile, given = PROFILES[entry.workload], entry.resources
    shared_buffers = given.shared_buffers or given.memory // 4  # pgtune
    sizes = {
        "shared_buffers": shared_buffers,
        "effective_cache_size": given.effective_cache_size or given.memory * 3 // 4,  # pgtune
        "work_mem": given.work_mem or _work_mem(entry, shared_buffers),
        "maintenance_work_mem": given.maintenance_work_mem
        or min(given.memory // profile.maintenance_divisor, 2 * GB),  # pgtune
    }
    scaled = {name: max(_whole(size * scale), FLOORS[name]) for name, size in sizes.items()}
    scaled["wal_buffers"] = _wal_buffers(scaled["shared_buffers"])
    return scaled


def _whole(kilobytes: float) -> int:
    """Down to whole megabytes where there are some: easier to read, and PostgreSQL rounds to pages anyway."""
    return int(kilobytes) // MB * MB if kilobytes >= MB else int(kilobytes)


def _work_mem(entry: ServiceEntry, shared_buffers: int) -> int:
    """pgtune: (memory - shared_buffers) / ((max_connections + max_worker_processes) * 3), 4 MB at least."""
    profile = PROFILES[entry.workload]
    sharers = (maximum_connections(entry) + _WORKERS) * 3
    plain = (entry.resources.memory - shared_buffers) // sharers // profile.work_mem_divisor
    return max(plain, _PLAIN_WORK_MEM_FLOOR)


def _wal_buffers(shared_buffers: int) -> int:
    """pgtune: 3% of shared_buffers, 16 MB at most (and when near it), 32 kB at least; whole 8 kB pages."""
    three_percent = shared_buffers * 3 // 100 // 8 * 8
    return 16 * MB if three_percent > 14 * MB else max(three_percent, FLOORS["wal_buffers"])


def _write_ahead_log(entry: ServiceEntry, disk: int | None) -> dict[str, str]:
    """pgtune's sizes, but not more than twice the memory (a small instance does not keep 8 GB of WAL), nor
    more than an eighth of its disk.

    min_wal_size is a quarter of max_wal_size, which is pgtune's proportion for every workload.
    """
    given = entry.parameters.get("max_wal_size")
    computed = min(PROFILES[entry.workload].max_wal_size, 2 * entry.resources.memory)
    if disk is not None:
        computed = max(min(computed, _whole(disk / WAL_PART)), _LEAST_WAL)
    most = parse_size(given) if given else computed
    return {"max_wal_size": format_size(most), "min_wal_size": format_size(most // 4)}


def _disk(entry: ServiceEntry, disk: int | None) -> dict[str, str]:
    """What keeps one statement, or one consumer of a slot that stays away, from filling the disk.

    temp_file_limit is a process's (https://www.postgresql.org/docs/current/runtime-config-resource.html):
    memory at scale 1 sixteen times over, an eighth of the disk at most. `components.service.roles` exempts
    those who build indexes and read dumps. max_slot_wal_keep_size gives a slot up rather than the service
    (https://www.postgresql.org/docs/current/runtime-config-replication.html); a quarter of the disk.
    """
    temporary = min(TEMPORARY_PER_MEMORY * entry.resources.memory, _MOST_TEMPORARY)
    if disk is None:
        return {"temp_file_limit": format_size(temporary)}
    return {
        "temp_file_limit": format_size(min(temporary, _whole(disk / TEMPORARY_PART))),
        "max_slot_wal_keep_size": format_size(_whole(disk / SLOT_PART)),
    }


def _too_much_for(disk: int | None, parameters: Mapping[str, str]) -> list[Problem]:
    """What does not fit where it has to be."""
    most = parse_size(parameters["max_wal_size"])
    if disk is None or disk >= DISK_PER_WAL * most:
        return []
    what = f"{format_size(most)} of WAL on a volume of {format_size(disk)} leaves too little for the data"
    fix = (
        f"give the service's docker.volume a size of {format_size(DISK_PER_WAL * most)} or more, or lower it"
    )
    return [Problem("parameters.max_wal_size", what, fix)]


def _processors(cpus: int) -> dict[str, str]:
    """pgtune: nothing below four processors; half of them, four at most, work on one statement."""
    if cpus < 4:
        return {}
    at_once = str(min(-(-cpus // 2), 4))
    return {
        "max_worker_processes": str(max(cpus + 8, _WORKERS)),  # logical replication's come on top
        "max_parallel_workers": str(cpus),
        "max_parallel_workers_per_gather": at_once,
        "max_parallel_maintenance_workers": at_once,
    }
