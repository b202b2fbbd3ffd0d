"""`python -m benchmarks [NAME…] [--invented]`: all of them, if none is named."""

import argparse
import os
import platform
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

from benchmarks import (
    bench_analysis,
    bench_cold,
    bench_cold_start,
    bench_coverage,
    bench_digest,
    bench_engines,
    bench_free_plan,
    bench_http,
    bench_journeys,
    bench_query,
    bench_ranking,
    bench_refresh,
    bench_round_trips,
    bench_step,
    bench_tex,
)

BENCHMARKS: dict[str, Callable[..., None]] = {
    "refresh": bench_refresh.run,
    "tex": bench_tex.run,
    "engines": bench_engines.run,
    "query": bench_query.run,
    "ranking": bench_ranking.run,
    "http": bench_http.run,
    "journeys": bench_journeys.run,
    "round_trips": bench_round_trips.run,
    "analysis": bench_analysis.run,
    "step": bench_step.run,
    "free_plan": bench_free_plan.run,
    "digest": bench_digest.run,
    "cold": bench_cold.run,
    "cold_start": bench_cold_start.run,
    "coverage": bench_coverage.run,
}
PACKAGES = ("lxml", "ahocorasick_rs", "google-re2", "feedgen", "fastapi", "starlette", "feedparser")


def main() -> None:
    """Run what the command line names."""
    parser = argparse.ArgumentParser("benchmarks", description="What Paperwire's claims of speed rest on.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(BENCHMARKS)}; all without any")
    parser.add_argument("--invented", action="store_true", help="the invented day even where the real one is at hand")
    parser.add_argument("--against", type=Path, help="the checkout of another version, for journeys")
    parser.add_argument("--before", default="", metavar="COMMIT", help="another version to measure beside, for cold")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.names if name not in BENCHMARKS]:
        parser.error(f"there is no benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    start = perf_counter()
    print(_machine())
    for name in arguments.names or BENCHMARKS:
        more = {"journeys": {"against": arguments.against}, "cold": {"before": arguments.before}}.get(name, {})
        BENCHMARKS[name](invented=arguments.invented, **more)
    print(f"\nAll of this took {perf_counter() - start:.0f} s. Ratios count; absolute times are this machine's.")


def _machine() -> str:
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{platform.system()} {platform.machine()}, {_processor()}, {os.cpu_count()} cores, load {load:.1f}\n"
        f"{platform.python_implementation()} {platform.python_version()}; {packages}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown CPU")


if __name__ == "__main__":
    main()
