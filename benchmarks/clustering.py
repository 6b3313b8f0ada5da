"""Giving customers their clusters: SQL from stored centroids against scikit-learn's predict.

Belongs here: synthetic customers of any number, the two contenders in a fresh process each, and
whether they agree. Does not belong here: finding clusters (done once, on at most 200,000
customers, and handed to both).

Both read customer_id, recency_days, frequency and monetary from one DuckDB file and leave
customer_id and cluster in another. ``predict`` reads into pandas, transforms and scales there, and
hands the result back to DuckDB.

Usage: python benchmarks/clustering.py --customers 1000000 [--k 5] [--repeats 3] [--work-dir DIR]
"""

import argparse
import json
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from measuring import CommandFailedError, Repeated, measure

HERE = Path(__file__).resolve().parent
CONTENDERS = ("sql", "predict")
FEATURES = ("recency_days", "frequency", "monetary")
_FIT_LIMIT = 200_000
_GIGABYTE = 1e9

#: Customers of four kinds by a hash of their number, so that every run makes the same ones.
_CUSTOMERS = """
    create or replace table features as
    with draws as (
        select
            i,
            (hash(i) % 1000003 + 0.5) / 1000003 as kind,
            (hash(i + 1000000007) % 1000003 + 0.5) / 1000003 as first_draw,
            (hash(i + 2000000011) % 1000003 + 0.5) / 1000003 as second_draw,
            (hash(i + 3000000019) % 1000003 + 0.5) / 1000003 as third_draw
        from range($1) as numbers(i)
    ),
    kinds as (
        select
            *,
            case when kind < 0.1 then 5 when kind < 0.4 then 40 when kind < 0.6 then 220 else 200
                end as mean_recency,
            case when kind < 0.1 then 30 when kind < 0.4 then 6 when kind < 0.6 then 8 else 0
                end as mean_frequency,
            case when kind < 0.1 then 90 else 40 end as mean_value
        from draws
    )
    select
        'c' || i as customer_id,
        cast(least(floor(-ln(first_draw) * mean_recency), 730) as integer) as recency_days,
        1 + cast(floor(-ln(second_draw) * mean_frequency) as integer) as frequency,
        cast(
            (1 + floor(-ln(second_draw) * mean_frequency)) * mean_value * (0.3 - ln(third_draw))
            - 20 as decimal(18, 4)
        ) as monetary
    from kinds
"""


def main() -> int:
    """Prepare, run both, compare; the exit status is 1 when they differ or one fails."""
    arguments = _parse()
    work: Path = arguments.work_dir.resolve()
    if arguments.contender:
        seconds = {"sql": assign_in_sql, "predict": assign_by_predict}[arguments.contender](work)
        (work / f"{arguments.contender}.json").write_text(json.dumps(seconds))
        return 0
    work.mkdir(parents=True, exist_ok=True)
    try:
        prepare(work, arguments.customers, arguments.k)
        measured, inner = _run_in_turns(work, arguments.repeats)
        differing = different_customers(work)
    except CommandFailedError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        if not arguments.keep:
            shutil.rmtree(work, ignore_errors=True)
    _print_report(arguments.customers, arguments.k, measured, inner, differing)
    return int(differing > 0)


def prepare(work: Path, customers: int, k: int) -> None:
    """Make the customers and find the clusters of a sample of them."""
    from orchestration.analytics.clustering import ClusterOptions, fit_clusters

    (work / "features.duckdb").unlink(missing_ok=True)
    with duckdb.connect(str(work / "features.duckdb")) as con:
        con.execute(_CUSTOMERS, [customers])
        sample = con.execute(
            "select * from features order by hash(customer_id), customer_id limit $1", [_FIT_LIMIT]
        ).df()
    model = fit_clusters(sample, ClusterOptions(k=k))
    parts = {
        "mean": model.scaling.mean,
        "scale": model.scaling.scale,
        "centroids": model.centroids.tolist(),
    }
    (work / "model.json").write_text(json.dumps(parts))


def assign_in_sql(work: Path) -> float:
    """Seconds from opening the files to the finished table."""
    model = json.loads((work / "model.json").read_text())
    started = time.perf_counter()
    with _open(work, "sql") as con:
        con.execute(assignment_query(model["mean"], model["scale"], model["centroids"]))
    return time.perf_counter() - started


def assign_by_predict(work: Path) -> float:
    """Seconds from opening the files to the finished table, imports left out."""
    import pandas as pd
    from sklearn.cluster import KMeans

    from orchestration.analytics.features import FeatureScaling

    model = json.loads((work / "model.json").read_text())
    scaling = FeatureScaling(FEATURES, "log1p", tuple(model["mean"]), tuple(model["scale"]))
    centroids = np.array(model["centroids"])
    estimator = KMeans(len(centroids), init=centroids, n_init=1, max_iter=1).fit(centroids)
    estimator.cluster_centers_ = centroids
    started = time.perf_counter()
    with _open(work, "predict") as con:
        frame = con.execute("select * from source.features").df()
        labels = estimator.predict(scaling.apply(frame)) + 1
        result = pd.DataFrame({"customer_id": frame["customer_id"], "cluster": labels})
        con.register("result", result)
        con.execute("create table assigned as select customer_id, cluster from result")
    return time.perf_counter() - started


def assignment_query(
    mean: Sequence[float], scale: Sequence[float], centroids: Sequence[Sequence[float]]
) -> str:
    """The query that gives each customer the nearest centroid, the lowest number at a tie."""
    scaled = ",\n".join(
        f"(sign({name}) * ln(1 + abs(cast({name} as double))) - {center!r}::double) "
        f"/ {spread!r}::double as x{place}"
        for place, (name, center, spread) in enumerate(zip(FEATURES, mean, scale, strict=True))
    )
    distances = ",\n".join(
        " + ".join(
            f"(x{place} - {value!r}::double) * (x{place} - {value!r}::double)"
            for place, value in enumerate(centroid)
        )
        + f" as d{number}"
        for number, centroid in enumerate(centroids, start=1)
    )
    numbers = range(1, len(centroids) + 1)
    least = f"least({', '.join(f'd{number}' for number in numbers)})"
    cases = " ".join(f"when d{number} = nearest then {number}" for number in numbers)
    return f"""
        create table assigned as
        with scaled as (select customer_id, {scaled} from source.features),
        distances as (select customer_id, {distances} from scaled),
        nearest as (select *, {least} as nearest from distances)
        select customer_id, case {cases} end as cluster from nearest
    """


def different_customers(work: Path) -> int:
    """Customers whom the two put into different clusters, or whom only one of them has."""
    with duckdb.connect() as con:
        for name in CONTENDERS:
            con.execute(f"attach '{work / f'{name}.duckdb'}' as {name}_file (read_only)")
        row = con.execute(
            "select count(*) from sql_file.assigned as ours full join predict_file.assigned as "
            "theirs using (customer_id) where ours.cluster is distinct from theirs.cluster"
        ).fetchone()
    assert row is not None
    return int(row[0])


def _open(work: Path, name: str) -> duckdb.DuckDBPyConnection:
    target = work / f"{name}.duckdb"
    target.unlink(missing_ok=True)
    con = duckdb.connect(str(target), config={"preserve_insertion_order": False})
    con.execute(f"attach '{work / 'features.duckdb'}' as source (read_only)")
    return con


def _run_in_turns(work: Path, repeats: int) -> tuple[dict[str, Repeated], dict[str, list[float]]]:
    runs: dict[str, list[Any]] = {name: [] for name in CONTENDERS}
    inner: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    for _ in range(repeats):
        for name in CONTENDERS:
            command = [sys.executable, str(Path(__file__).resolve()), "--contender", name]
            runs[name].append(measure([*command, "--work-dir", str(work)]))
            inner[name].append(json.loads((work / f"{name}.json").read_text()))
    return {name: Repeated(tuple(each)) for name, each in runs.items()}, inner


def _print_report(
    customers: int,
    k: int,
    measured: dict[str, Repeated],
    inner: dict[str, list[float]],
    differing: int,
) -> None:
    print(f"{customers:,} customers, k = {k}; customers in different clusters: {differing:,}\n")
    print("| contender | assignment s | whole process s | CPU s | peak memory GB |")
    print("|---|---|---|---|---|")
    for name, runs in measured.items():
        print(
            f"| {name} | {np.median(inner[name]):.2f} | {runs.wall_seconds:.2f} | "
            f"{runs.cpu_seconds:.2f} | {runs.peak_bytes / _GIGABYTE:.2f} |"
        )
    ours, theirs = (measured[name] for name in CONTENDERS)
    print(
        f"\nSQL takes {np.median(inner['sql']) / np.median(inner['predict']):.2f} of predict's "
        f"assignment time, {ours.cpu_seconds / theirs.cpu_seconds:.2f} of its CPU time and "
        f"{ours.peak_bytes / theirs.peak_bytes:.2f} of its peak memory."
    )


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="SQL assignment against scikit-learn's predict.")
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--k", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--work-dir", type=Path, default=HERE / "work" / "clustering")
    parser.add_argument("--keep", action="store_true", help="leave the files in the work folder")
    parser.add_argument("--contender", choices=CONTENDERS, help="run this one alone")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
